//! Names of images.

use std::fmt;
use std::str::FromStr;

/// The registry of names that state none.
const DEFAULT_REGISTRY: &str = "docker.io";

/// The name of an image: registry, repository and tag.
///
/// As docker reads names, `app` is `docker.io/library/app:latest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    repository: String,
    tag: String,
}

/// Why a text is no name of an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It has a digest, which is not known before the image is made.
    #[error("a digest is no part of it: the digest follows from the image")]
    Digest,
    /// A part of the repository has characters that none may have.
    #[error(
        "`{0}` is no part of a repository: lower-case letters and digits, with single `.`, `_` or `-` between \
         them"
    )]
    Component(String),
    /// The registry is no host with an optional port.
    #[error("`{0}` is no registry: write HOST or HOST:PORT")]
    Registry(String),
    /// The tag has other characters, or too many.
    #[error("`{0}` is no tag: at most 128 letters, digits, `_`, `.` and `-`, the first none of the last two")]
    Tag(String),
    /// It has more than 255 bytes without the tag.
    #[error("it is longer than 255 bytes")]
    Length,
}

impl Reference {
    /// Returns registry and repository, without the tag.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Returns the tag.
    pub fn tag(&self) -> &str {
        &self.tag
    }
}

/// The whole name, with registry and tag.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.repository, self.tag)
    }
}

impl FromStr for Reference {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        const LONGEST: usize = 255;
        if text.contains('@') {
            return Err(NameError::Digest);
        }
        // A colon in front of a slash belongs to the registry.
        let (path, tag) = match text.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, tag),
            _ => (text, "latest"),
        };
        if !is_tag(tag) {
            return Err(NameError::Tag(tag.into()));
        }
        let (registry, path) = match path.split_once('/') {
            Some((first, rest)) if first == "localhost" || first.contains(['.', ':']) => (first, rest),
            _ => (DEFAULT_REGISTRY, path),
        };
        if !is_registry(registry) {
            return Err(NameError::Registry(registry.into()));
        }
        if let Some(wrong) = path.split('/').find(|part| !is_component(part)) {
            return Err(NameError::Component(wrong.into()));
        }
        let library = if registry == DEFAULT_REGISTRY && !path.contains('/') { "library/" } else { "" };
        let repository = format!("{registry}/{library}{path}");
        match repository.len() <= LONGEST {
            true => Ok(Self { repository, tag: tag.into() }),
            false => Err(NameError::Length),
        }
    }
}

fn is_tag(tag: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.len() <= 128 && tag.starts_with(plain) && tag.chars().all(|c| plain(c) || matches!(c, '.' | '-'))
}

/// Whether a text is a host, with a port or without.
fn is_registry(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let is_label = |label: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric();
        label.starts_with(plain) && label.ends_with(plain) && label.chars().all(|c| plain(c) || c == '-')
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok() && port.chars().all(|c| c.is_ascii_digit());
    host.split('.').all(is_label) && port.is_none_or(is_port)
}

/// Whether a text is a part of a repository: letters and digits, with one separator between two runs of them.
fn is_component(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_separator = |run: &str| matches!(run, "." | "_" | "__") || run.chars().all(|c| c == '-');
    let mut separators = text.split(plain).filter(|run| !run.is_empty());
    text.starts_with(plain) && text.ends_with(plain) && separators.all(is_separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_docker_reads_them() {
        for (text, whole) in [
            ("app", "docker.io/library/app:latest"),
            ("app:1", "docker.io/library/app:1"),
            ("team/app", "docker.io/team/app:latest"),
            ("localhost/app", "localhost/app:latest"),
            ("localhost:5000/a/b-c__d.e:V1.0_x-y", "localhost:5000/a/b-c__d.e:V1.0_x-y"),
            ("ghcr.io/wasmaot/app:1", "ghcr.io/wasmaot/app:1"),
            ("docker.io/app", "docker.io/library/app:latest"),
            ("a---b", "docker.io/library/a---b:latest"),
        ] {
            assert_eq!(text.parse::<Reference>().map(|name| name.to_string()), Ok(whole.into()), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let error = |text: &str| text.parse::<Reference>().expect_err(text);
        for text in ["", "App", "a//b", "a/", "-a", "a_", "a..b", "a___b", "a b", "ä", "ghcr.io/", "a/../b"]
        {
            assert!(matches!(error(text), NameError::Component(_)), "{text:?}: {:?}", error(text));
        }
        for text in ["a:", "a:-x", "a:.x", "a:b c", &format!("a:{}", "x".repeat(129))] {
            assert!(matches!(error(text), NameError::Tag(_)), "{text:?}");
        }
        for text in ["-.example/a", "example.org:port/a", "example.org:+1/a", ".a/b", "../a", "a.b:99999/c"] {
            assert!(matches!(error(text), NameError::Registry(_)), "{text:?}");
        }
        assert_eq!(error("a@sha256:00"), NameError::Digest);
        assert_eq!(error(&"a".repeat(256)), NameError::Length);
    }
}
