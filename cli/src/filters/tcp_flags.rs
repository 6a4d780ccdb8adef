//! `--tcp-flags`: flows whose TCP flags include all of a comma-separated set.

use proto::flow::TcpFlags;

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[FilterFlag::new(
    "tcp-flags",
    "FLAGS",
    "TCP flows with all of these flags set, such as `syn` or `syn,ack`",
    |pair, value| {
        pair.push(|f| &mut f.tcp_flags, parse(value)?);
        Ok(())
    },
)];

fn parse(value: &str) -> Result<TcpFlags, String> {
    let mut flags = TcpFlags::default();
    for name in value.split(',') {
        let flag = match name.to_ascii_uppercase().as_str() {
            "FIN" => &mut flags.fin,
            "SYN" => &mut flags.syn,
            "RST" => &mut flags.rst,
            "PSH" => &mut flags.psh,
            "ACK" => &mut flags.ack,
            "URG" => &mut flags.urg,
            "ECE" => &mut flags.ece,
            "CWR" => &mut flags.cwr,
            "NS" => &mut flags.ns,
            _ => {
                return Err(format!(
                    "unknown tcp flag: {name}; the flags are fin, syn, rst, psh, ack, urg, ece, cwr, ns"
                ));
            }
        };
        *flag = true;
    }
    Ok(flags)
}
