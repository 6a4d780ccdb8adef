//! `--verdict`: what was decided about the traffic.

use proto::flow::Verdict;

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[FilterFlag::new(
    "verdict",
    "VERDICT",
    "Flows with this verdict: FORWARDED, DROPPED, AUDIT, REDIRECTED, ERROR, TRACED, TRANSLATED",
    |pair, value| {
        let verdict = Verdict::from_str_name(value).ok_or_else(|| {
            format!(
                "invalid --verdict value: {value}; it is one of FORWARDED, DROPPED, AUDIT, REDIRECTED, ERROR, TRACED, TRANSLATED"
            )
        })?;
        pair.push(|f| &mut f.verdict, verdict.into());
        Ok(())
    },
)];
