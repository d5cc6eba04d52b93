//! What the server says of itself.

use serde_json::{Value, json};
use url::Url;

/// Returns the metadata of a server whose audience is its own https origin, which is then its identifier.
///
/// Source: AuthZEN, Authorization API 1.0, "Policy Decision Point Metadata".
pub(super) fn of(audience: &str) -> Option<Value> {
    let url = Url::parse(audience)
        .ok()
        .filter(|url| url.scheme() == "https")?;
    let origin = url.origin().ascii_serialization();
    // A port or a user that the parser dropped would not be the server's.
    let is_origin = audience == origin || audience.strip_suffix('/') == Some(&*origin);
    is_origin.then(|| {
        json!({
            "policy_decision_point": audience,
            "access_evaluation_endpoint": format!("{origin}/access/v1/evaluation"),
            "access_evaluations_endpoint": format!("{origin}/access/v1/evaluations"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_origin_is_a_url_of_the_server() {
        let endpoint = "https://gate.acme.example:8443/access/v1/evaluation";
        for audience in [
            "https://gate.acme.example:8443",
            "https://gate.acme.example:8443/",
        ] {
            let metadata = of(audience).unwrap();
            assert_eq!(metadata["policy_decision_point"], audience);
            assert_eq!(metadata["access_evaluation_endpoint"], endpoint);
        }
        for audience in [
            "",
            "deployments of acme",
            "acme.example",
            "http://acme.example",
            "https://acme.example/gate",
            "https://acme.example?a",
            "https://",
            "https://user@acme.example",
            "https://acme.example:",
            "https://acme.example:99999",
            "https:acme.example",
        ] {
            assert_eq!(of(audience), None, "{audience}");
        }
    }
}
