//! `--cel-expression`: an expression over the whole flow.

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[FilterFlag::new(
    "cel-expression",
    "EXPRESSION",
    "Flows for which this CEL expression over `_flow` is true",
    |pair, value| {
        pair.push(
            |f| {
                &mut f
                    .experimental
                    .get_or_insert_with(Default::default)
                    .cel_expression
            },
            value.to_owned(),
        );
        Ok(())
    },
)];
