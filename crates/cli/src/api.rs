//! GitHub for the tools: its address, the token and the network, as the variables say.

use secrecy::SecretString;

use github::Api;
use github::http::{Budget, Network};
use platform::Environment;

/// Returns `GITHUB_API_URL`, else github.com's.
pub(super) fn url(environment: &Environment) -> &str {
    let url = environment.get("GITHUB_API_URL");
    url.unwrap_or("https://api.github.com")
}

/// Returns `GITHUB_TOKEN`, else `GH_TOKEN`.
pub(super) fn token(environment: &Environment) -> Option<SecretString> {
    let mut names = ["GITHUB_TOKEN", "GH_TOKEN"].iter();
    names.find_map(|name| environment.secret(name))
}

/// Builds the client of the API at `url`; has to be called inside a runtime.
pub(super) fn client(
    environment: &Environment,
    url: &str,
    token: Option<&SecretString>,
    ca_bundle: Option<Vec<u8>>,
    budget: Budget,
) -> Result<Api, String> {
    let network = Network::of_variables(|name| environment.either_case(name), ca_bundle);
    Api::new(network.client()?, url, token, budget)
}

/// Runs a future on a runtime of its own.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let output = runtime.block_on(future);
    // A look-up of a name that hangs runs on a thread of its own and would be waited for.
    runtime.shutdown_background();
    Ok(output)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn the_variables_say_where_github_is_and_which_token_to_use() {
        for (variables, url, first) in [
            (&[][..], "https://api.github.com", None),
            (
                &[("GITHUB_TOKEN", "a"), ("GH_TOKEN", "b")],
                "https://api.github.com",
                Some("a"),
            ),
            (
                &[("GITHUB_TOKEN", ""), ("GH_TOKEN", "b")],
                "https://api.github.com",
                Some("b"),
            ),
            (
                &[("GITHUB_API_URL", "https://ghe.acme.org/api/v3")],
                "https://ghe.acme.org/api/v3",
                None,
            ),
        ] {
            let variables = variables
                .iter()
                .map(|(name, value)| (name.into(), value.into()));
            let environment = Environment::new(variables);
            assert_eq!(super::url(&environment), url);
            let token = token(&environment);
            assert_eq!(token.as_ref().map(|token| token.expose_secret()), first);
        }
    }
}
