//! Where the registry is: `file:/path`, `etcd://host:port[,…][/prefix]`, `etcds://…` with TLS.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The port of etcd, if none is named.
const ETCD_PORT: u16 = 2379;

/// Below which keys lie in etcd, if nothing else is named.
const ETCD_PREFIX: &str = "tycho";

/// Members of one etcd that can be named.
const MAX_MEMBERS: usize = 16;

/// Where the registry is. Displayed without the password.
#[derive(Clone, PartialEq, Eq)]
pub enum RegistryUrl {
    /// A directory that the observers of one machine share.
    File(PathBuf),
    /// An etcd.
    Etcd(EtcdUrl),
}

/// Where an etcd is.
#[derive(Clone, PartialEq, Eq)]
pub struct EtcdUrl {
    /// Whether it is spoken to over TLS.
    pub tls: bool,
    /// User and password, if it asks for them.
    pub login: Option<(String, String)>,
    /// Its members, `host:port`; at least one.
    pub members: Vec<String>,
    /// Below which keys lie: without a slash at either end.
    pub prefix: String,
}

/// A text that is no place of a registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{given:?} is no registry: {reason}; say `file:/directory`, `etcd://host:2379[,host:2379…][/prefix]`, or \
     `etcds://…` for TLS"
)]
pub struct RegistryUrlError {
    given: String,
    reason: String,
}

impl FromStr for RegistryUrl {
    type Err = RegistryUrlError;

    fn from_str(text: &str) -> Result<Self, RegistryUrlError> {
        let error = |reason: String| RegistryUrlError {
            given: without_password(text),
            reason,
        };
        let (scheme, rest) = text
            .split_once(':')
            .ok_or_else(|| error("it has no scheme".to_owned()))?;
        match scheme {
            "file" => file(rest).map(Self::File),
            "etcd" | "etcds" => etcd(rest, scheme == "etcds").map(Self::Etcd),
            other => Err(format!("{other:?} is no kind of registry")),
        }
        .map_err(error)
    }
}

fn file(rest: &str) -> Result<PathBuf, String> {
    let path = match rest.strip_prefix("//") {
        // file://host/path is a file of that host.
        Some(path) if path.starts_with('/') => path,
        Some(_) => return Err("a file of another host cannot be used".to_owned()),
        None => rest,
    };
    if !path.starts_with('/') || path.trim_matches('/').is_empty() {
        return Err("the directory must be an absolute path below /".to_owned());
    }
    Ok(PathBuf::from(path))
}

fn etcd(rest: &str, tls: bool) -> Result<EtcdUrl, String> {
    let rest = rest
        .strip_prefix("//")
        .ok_or("`//` and the hosts must follow the scheme")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (Some(read_login(login)?), hosts),
        None => (None, authority),
    };
    let members: Vec<String> = hosts.split(',').map(member).collect::<Result<_, _>>()?;
    if members.len() > MAX_MEMBERS {
        return Err(format!("at most {MAX_MEMBERS} hosts can be named"));
    }
    let prefix = match path.trim_matches('/') {
        "" => ETCD_PREFIX,
        prefix => prefix,
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    if !prefix.bytes().all(is_plain) || prefix.contains("//") {
        return Err(format!(
            "the prefix {prefix:?} may have letters, digits and `-_./` only"
        ));
    }
    Ok(EtcdUrl {
        tls,
        login,
        members,
        prefix: prefix.to_owned(),
    })
}

fn read_login(text: &str) -> Result<(String, String), String> {
    let (user, password) = text
        .split_once(':')
        .ok_or("the user has no password: say `user:password@`, or name both by flags")?;
    if user.is_empty() {
        return Err("the name of the user is empty".to_owned());
    }
    Ok((user.to_owned(), password.to_owned()))
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`.
fn member(text: &str) -> Result<String, String> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest
                .split_once(']')
                .ok_or_else(|| format!("{text:?} has no closing bracket"))?;
            if host.parse::<std::net::Ipv6Addr>().is_err() {
                return Err(format!("{host:?} is no IPv6 address"));
            }
            let port = match after {
                "" => None,
                after => Some(
                    after
                        .strip_prefix(':')
                        .ok_or_else(|| format!("after {host:?} comes {after:?}, not a port"))?,
                ),
            };
            (format!("[{host}]"), port)
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host.to_owned(), Some(port)),
            None => (text.to_owned(), None),
        },
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_host) {
        return Err(format!("{text:?} names no host"));
    }
    let port = match port {
        None => ETCD_PORT,
        Some(port) => match port.parse() {
            Ok(0) | Err(_) => return Err(format!("{port:?} is no port")),
            Ok(port) => port,
        },
    };
    Ok(format!("{host}:{port}"))
}

/// A text that is to be shown: nothing of a password, whatever else is wrong with it.
fn without_password(text: &str) -> String {
    let Some((before, hosts)) = text.rsplit_once('@') else {
        return text.to_owned();
    };
    let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
    format!("{scheme}://…@{hosts}")
}

impl fmt::Display for RegistryUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(out, "file:{}", path.display()),
            Self::Etcd(etcd) => etcd.fmt(out),
        }
    }
}

impl fmt::Display for EtcdUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "etcds" } else { "etcd" };
        write!(out, "{scheme}://{}/{}", self.members.join(","), self.prefix)
    }
}

/// As displayed, so that no password gets into a log.
impl fmt::Debug for RegistryUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// As displayed, so that no password gets into a log.
impl fmt::Debug for EtcdUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read() {
        let check = |text: &str, expect: &str| {
            assert_eq!(text.parse::<RegistryUrl>().unwrap().to_string(), expect);
        };
        check("file:/run/tycho/registry", "file:/run/tycho/registry");
        check("file:///run/tycho/registry", "file:/run/tycho/registry");
        check("etcd://h", "etcd://h:2379/tycho");
        check("etcd://h:1/", "etcd://h:1/tycho");
        check(
            "etcd://h1:1,h2,10.0.0.3:3/a/b/",
            "etcd://h1:1,h2:2379,10.0.0.3:3/a/b",
        );
        check(
            "etcds://[::1]:2379,[fd00::1]",
            "etcds://[::1]:2379,[fd00::1]:2379/tycho",
        );
        check("etcds://user:pa:ss@w@h/x", "etcds://h:2379/x");
        let url = "etcds://user:pa:ss@w@h/x".parse::<RegistryUrl>();
        let Ok(RegistryUrl::Etcd(etcd)) = url else {
            panic!("{url:?}");
        };
        assert_eq!(etcd.login, Some(("user".into(), "pa:ss@w".into())));
        assert!(!format!("{etcd:?}").contains("pa:ss"));
    }

    #[test]
    fn what_is_no_place_is_refused_with_its_reason() {
        let check = |text: &str, reason: &str| {
            let error = text.parse::<RegistryUrl>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
            assert!(!error.contains("secret"), "{error}");
        };
        check("", "no scheme");
        check("/run/tycho", "no scheme");
        check("http://h", "\"http\" is no kind");
        check("file:relative", "absolute");
        check("file:/", "absolute");
        check("file:", "absolute");
        check("file://host/path", "another host");
        check("etcd:h:2379", "must follow");
        check("etcd://", "names no host");
        check("etcd://h:0", "\"0\" is no port");
        check("etcd://h:x", "\"x\" is no port");
        check("etcd://h:65536", "is no port");
        check("etcd://h,,g", "names no host");
        check("etcd://[::1", "closing bracket");
        check("etcd://[x]:1", "no IPv6 address");
        check("etcd://[::1]x", "not a port");
        check("etcd://a b", "names no host");
        check("etcd://h/a b", "letters, digits");
        check("etcd://h/a//b", "letters, digits");
        check("etcd://user@h", "no password");
        check("etcd://user:secret@h:x", "is no port");
        check("etcd://:secret@h", "user is empty");
        check(&format!("etcd://{}", ["h"; 17].join(",")), "at most 16");
    }
}
