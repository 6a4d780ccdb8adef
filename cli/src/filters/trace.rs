//! `--trace-id` and `--ip-trace-id`: traces that traffic carries.

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[
    FilterFlag::new("trace-id", "ID", "L7 flows of this trace", |pair, value| {
        pair.push(|f| &mut f.trace_id, value.to_owned());
        Ok(())
    }),
    FilterFlag::new(
        "ip-trace-id",
        "NUMBER",
        "Flows whose IP option carries this trace",
        |pair, value| match value.parse::<u64>() {
            Ok(number) if number > 0 => {
                pair.push(|f| &mut f.ip_trace_id, number);
                Ok(())
            }
            _ => Err(format!(
                "invalid --ip-trace-id value: {value}; it is a number greater than 0"
            )),
        },
    ),
];
