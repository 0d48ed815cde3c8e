//! Who may see an image, in Glance's words.

use std::fmt;

use serde::Serialize;

/// Who may see an image.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// Its owner.
    Private,
    /// Its owner and invited projects; Glance's default.
    Shared,
    /// Everybody, but it is in nobody's list.
    Community,
    /// Everybody.
    Public,
    /// A visibility that this client does not know.
    Other(String),
}

// === impl Visibility ===

impl Visibility {
    /// The visibility of that name.
    #[must_use]
    pub fn parse(name: String) -> Self {
        match name.as_str() {
            "private" => Self::Private,
            "shared" => Self::Shared,
            "community" => Self::Community,
            "public" => Self::Public,
            _ => Self::Other(name),
        }
    }

    /// Glance's name of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Private => "private",
            Self::Shared => "shared",
            Self::Community => "community",
            Self::Public => "public",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Visibility {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
