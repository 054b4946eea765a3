//! Why an aim is missed.

/// Row, and what bounds it.
pub(crate) const WHY: &[(&str, &str)] = &[];
