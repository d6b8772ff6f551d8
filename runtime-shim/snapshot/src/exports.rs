//! Exports of a frozen module.

/// Differences between the exports of a frozen module and of the original module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exports {
    /// Names of exports that are removed.
    pub removed: Vec<String>,
    /// Exports that get another name, `(new, old)`. One that has the new name already is removed.
    pub renamed: Vec<(String, String)>,
}

impl Exports {
    /// Removes exports with these names, where they exist.
    pub fn without(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { removed: names.into_iter().map(Into::into).collect(), renamed: Vec::new() }
    }

    /// Returns the new name of an export, or `None` if it is removed.
    pub(crate) fn name<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        if let Some((new, _)) = self.renamed.iter().find(|(_, old)| old == name) {
            return Some(new);
        }
        let is_replaced = self.renamed.iter().any(|(new, _)| new == name);
        (!is_replaced && !self.removed.iter().any(|removed| removed == name)).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_name_replaces_the_export_that_had_it() {
        let mut exports = Exports::without(["init"]);
        exports.renamed.push(("_start".into(), "resume".into()));
        let names = ["init", "_start", "resume", "memory"].map(|name| exports.name(name));
        assert_eq!(names, [None, None, Some("_start"), Some("memory")]);
    }
}
