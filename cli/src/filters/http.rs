//! `--http-status`, `--http-method`, `--http-path`, `--http-url`, `--http-header`: HTTP flows.

use proto::flow::HttpHeader;

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[
    FilterFlag::new(
        "http-status",
        "CODE",
        "HTTP responses with this status: `404`, or `5+` for all that begin so",
        |pair, value| {
            let digits = value.strip_suffix('+').unwrap_or(value);
            let whole = value.len() == digits.len();
            let length_fits = if whole {
                digits.len() == 3
            } else {
                (1..=2).contains(&digits.len())
            };
            if !length_fits || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(format!(
                    "{value:?} is not a status code (404) or a prefix with a plus (4+, 50+)"
                ));
            }
            pair.push(|f| &mut f.http_status_code, value.to_owned());
            Ok(())
        },
    ),
    FilterFlag::new(
        "http-method",
        "METHOD",
        "HTTP flows with this method, in any case",
        |pair, value| {
            pair.push(|f| &mut f.http_method, value.to_owned());
            Ok(())
        },
    ),
    FilterFlag::new(
        "http-path",
        "REGEX",
        "HTTP flows whose path matches",
        |pair, value| {
            pair.push(|f| &mut f.http_path, value.to_owned());
            Ok(())
        },
    ),
    FilterFlag::new(
        "http-url",
        "REGEX",
        "HTTP flows whose whole URL matches",
        |pair, value| {
            pair.push(|f| &mut f.http_url, value.to_owned());
            Ok(())
        },
    ),
    FilterFlag::new(
        "http-header",
        "KEY:VALUE",
        "HTTP flows that carry this header",
        |pair, value| {
            let (key, content) = value.split_once(':').ok_or_else(|| {
                format!("invalid http-header value {value:?}, expected name:value")
            })?;
            let header = HttpHeader {
                key: key.to_owned(),
                value: content.to_owned(),
            };
            pair.push(|f| &mut f.http_header, header);
            Ok(())
        },
    ),
];
