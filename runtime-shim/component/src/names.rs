//! Names of interfaces, and which of them stand for each other.
//!
//! **Invariant: a name with a version matches one of another version only if the versions are compatible**:
//! of the same major if that is not 0, of the same minor if it is, and the same in every other case.

use semver::Version;

/// The part of a name by which compatible versions are equal, and the version; none if only the whole name
/// matches.
pub(crate) fn track(name: &str) -> Option<(String, Version)> {
    let (base, version) = name.split_once('@')?;
    let version = Version::parse(version).ok().filter(|version| version.pre.is_empty())?;
    let track = match (version.major, version.minor) {
        (0, 0) => return None,
        (0, minor) => format!("{base}@0.{minor}"),
        (major, _) => format!("{base}@{major}"),
    };
    Some((track, version))
}

/// What is defined under a name, or under the highest version that is compatible.
pub(crate) fn find<'d, V>(defined: impl Iterator<Item = (&'d String, V)> + Clone, name: &str) -> Option<V> {
    if let Some((_, found)) = defined.clone().find(|(known, _)| *known == name) {
        return Some(found);
    }
    let (wanted, _) = track(name)?;
    let compatible = defined.filter_map(|(known, value)| {
        let (track, version) = track(known)?;
        (track == wanted).then_some((version, value))
    });
    compatible.max_by(|(one, _), (other, _)| one.cmp(other)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(defined: &[&str], name: &str) -> Option<usize> {
        let defined: Vec<String> = defined.iter().map(|name| name.to_string()).collect();
        find(defined.iter().zip(0..), name)
    }

    #[test]
    fn compatible_versions_match() {
        let defined = ["a:b/c@0.2.0", "a:b/c@0.2.3", "a:b/c@0.3.0", "a:b/c@1.2.0", "a:b/c@0.0.1", "a:b/c"];
        for (name, expected) in [
            ("a:b/c@0.2.0", Some(0)),
            ("a:b/c@0.2.9", Some(1)),
            ("a:b/c@0.3.1", Some(2)),
            ("a:b/c@1.9.9", Some(3)),
            ("a:b/c@2.0.0", None),
            ("a:b/c@0.0.1", Some(4)),
            ("a:b/c@0.0.2", None),
            ("a:b/c@0.2.0-rc.1", None),
            ("a:b/c", Some(5)),
            ("a:b/d", None),
        ] {
            assert_eq!(found(&defined, name), expected, "{name}");
        }
    }
}
