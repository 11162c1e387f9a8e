//! The network of a caller without a key, by which its requests are counted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The network of an address as text: an IPv4 address itself, the /64 of an IPv6 address, since one
/// subscriber has all addresses of a /64. An IPv6 address that stands for an IPv4 address (mapped, NAT64,
/// 6to4) counts as that one. Callers without a valid address share one name.
pub(crate) fn client_network(address: Option<&str>) -> String {
    match address.map(str::trim).map(str::parse) {
        Some(Ok(IpAddr::V4(address))) => address.to_string(),
        Some(Ok(IpAddr::V6(address))) => match ipv4_in(address) {
            Some(address) => address.to_string(),
            None => {
                let [a, b, c, d, ..] = address.segments();
                format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        },
        Some(Err(_)) | None => "unknown".into(),
    }
}

fn ipv4_in(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, _, _, _, g, h] = address.segments();
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(of(g, h)),
        [0x2002, ..] => Some(of(b, c)),
        _ if a == 0 => address.to_ipv4_mapped(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_subscriber_are_one_network() {
        for (address, network) in [
            ("203.0.113.7", "203.0.113.7"),
            (" 203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
            ("2001:DB8:0001:0002:0:0:0:5", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("::ffff:cb00:7107", "203.0.113.7"),
            ("64:ff9b::203.0.113.7", "203.0.113.7"),
            ("2002:cb00:7107:1::1", "203.0.113.7"),
            ("::1", "::/64"),
            ("", "unknown"),
            ("2001:db8::1%eth0", "unknown"),
            ("203.0.113.7:80", "unknown"),
        ] {
            assert_eq!(client_network(Some(address)), network, "{address}");
        }
        assert_eq!(client_network(None), "unknown");
    }
}
