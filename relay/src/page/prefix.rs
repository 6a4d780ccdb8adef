//! The path under which a proxy shows the page.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use http::uri::PathAndQuery;

/// A path such as `/tycho`, or none. Requests are answered with it and without it: some proxies take it off, some do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PagePrefix(String);

/// Why a text is no such path.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no path: write it as `/tycho`, of letters, digits and `-._~/`")]
pub struct PagePrefixError(String);

impl PagePrefix {
    /// What the page's relative addresses are relative to; it ends with a slash.
    pub(super) fn base(&self) -> String {
        format!("{}/", self.0)
    }

    /// The address without the prefix.
    pub(super) fn strip(&self, uri: &Uri) -> Option<Uri> {
        let path = uri.path().strip_prefix(&self.0)?;
        if self.0.is_empty() || !(path.is_empty() || path.starts_with('/')) {
            return None;
        }
        let path = if path.is_empty() { "/" } else { path };
        let path = match uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
        Uri::from_parts(parts).ok()
    }
}

impl FromStr for PagePrefix {
    type Err = PagePrefixError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = text.strip_suffix('/').unwrap_or(text);
        let is_segment = |segment: &str| {
            let mut characters = segment.chars();
            let plain = characters.all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c));
            plain && !["", ".", ".."].contains(&segment)
        };
        let is_path = match path.strip_prefix('/') {
            Some(segments) => segments.split('/').all(is_segment),
            None => text == "/",
        };
        match is_path {
            true => Ok(Self(path.to_owned())),
            false => Err(PagePrefixError(text.to_owned())),
        }
    }
}

impl fmt::Display for PagePrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let check = |text: &str, expect: Option<&str>| {
            let base = text.parse::<PagePrefix>().ok().map(|prefix| prefix.base());
            assert_eq!(base.as_deref(), expect, "{text}");
        };
        check("/", Some("/"));
        check("/tycho", Some("/tycho/"));
        check("/tycho/", Some("/tycho/"));
        check("/tools/tycho-1.x", Some("/tools/tycho-1.x/"));
        check("", None);
        check("tycho", None);
        check("//evil.example", None);
        check("/a//b", None);
        check("/a/../b", None);
        check("/\"><script>", None);
        check("/a?b", None);
        check("/a b", None);
    }

    #[test]
    fn it_is_taken_off() {
        let check = |prefix: &str, uri: &str, expect: Option<&str>| {
            let prefix: PagePrefix = prefix.parse().unwrap();
            let stripped = prefix.strip(&uri.parse().unwrap());
            let stripped = stripped.map(|uri| uri.to_string());
            assert_eq!(stripped.as_deref(), expect, "{uri}");
        };
        check("/tycho", "/tycho", Some("/"));
        check("/tycho", "/tycho/", Some("/"));
        check(
            "/tycho",
            "/tycho/flows?verdict=DROPPED",
            Some("/flows?verdict=DROPPED"),
        );
        check("/tycho", "/tycho?x", Some("/?x"));
        check("/tycho", "http://h:1/tycho/a", Some("http://h:1/a"));
        check("/tycho", "/tychonic/a", None);
        check("/tycho", "/a", None);
        check("/", "/a", None);
    }
}
