//! The HTTP client: TLS roots, proxies, timeouts.

use std::sync::Arc;

use reqwest::{Proxy, RequestBuilder, redirect};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use url::Url;

use super::proxies::Proxies;
use super::resolver::Resolver;
use super::{CONNECT_TIMEOUT, HttpError, InvalidNetwork, from_reqwest};

/// Maximum size of a CA bundle in bytes.
pub const MAX_CA_BUNDLE: usize = 1 << 20;

/// Settings of the network.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// `HTTP_PROXY`, for `http://` URLs.
    pub http_proxy: Option<String>,
    /// `HTTPS_PROXY`, for `https://` URLs (CONNECT).
    pub https_proxy: Option<String>,
    /// `NO_PROXY`: hosts to connect to directly.
    pub no_proxy: Option<String>,
    /// PEM certificates to trust in addition to the built-in roots.
    pub ca_bundle: Option<Vec<u8>>,
}

impl Network {
    /// Returns the settings with the proxies in the variables and the certificates of a CA bundle.
    pub fn of_variables(
        variable: impl Fn(&str) -> Option<String>,
        ca_bundle: Option<Vec<u8>>,
    ) -> Self {
        Self {
            http_proxy: variable("HTTP_PROXY"),
            https_proxy: variable("HTTPS_PROXY"),
            no_proxy: variable("NO_PROXY"),
            ca_bundle,
        }
    }

    /// Builds the client. The roots are compiled in, and the client reads no variable or file of the system, so
    /// that an earlier step cannot replace them (`SSL_CERT_FILE`).
    ///
    /// # Errors
    /// A proxy is not a URL, or the CA bundle has no certificate.
    pub fn client(&self) -> Result<Client, InvalidNetwork> {
        let proxies = Arc::new(Proxies::read(
            self.https_proxy.as_deref(),
            self.http_proxy.as_deref(),
            self.no_proxy.as_deref(),
        )?);
        let of_url = Arc::clone(&proxies);
        let inner = reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls()?)
            .user_agent(concat!("repo-permissions/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .dns_resolver(Arc::new(Resolver::default()))
            // Turns the system's proxies off.
            .no_proxy()
            .proxy(Proxy::custom(move |url| of_url.of(url).cloned()))
            .build()
            .map_err(|error| InvalidNetwork::Library(super::causes(&error)))?;
        Ok(Client { inner, proxies })
    }

    fn tls(&self) -> Result<ClientConfig, InvalidNetwork> {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        if let Some(pem) = &self.ca_bundle {
            let before = roots.len();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate =
                    certificate.map_err(|error| InvalidNetwork::NotPem(error.to_string()))?;
                roots
                    .add(certificate)
                    .map_err(|error| InvalidNetwork::Certificate(error.to_string()))?;
            }
            if roots.len() == before {
                return Err(InvalidNetwork::NoCertificate);
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| InvalidNetwork::Library(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// The client and its proxies.
#[derive(Clone, Debug)]
pub struct Client {
    inner: reqwest::Client,
    proxies: Arc<Proxies>,
}

impl Client {
    /// Starts a GET request.
    pub fn get(&self, url: &Url) -> RequestBuilder {
        self.inner.get(url.clone())
    }

    /// Starts a POST request.
    pub fn post(&self, url: &Url) -> RequestBuilder {
        self.inner.post(url.clone())
    }

    /// Returns the host of a URL and the proxy in front of it, for messages.
    pub fn host_and_proxy(&self, url: &Url) -> String {
        self.proxies.host_and_proxy(url)
    }

    /// Converts a reqwest error of a request to a URL.
    pub fn failure(&self, error: &reqwest::Error, url: &Url) -> HttpError {
        from_reqwest(error, &self.host_and_proxy(url))
    }

    /// Returns the inner client, for octocrab.
    pub(crate) fn into_inner(self) -> reqwest::Client {
        self.inner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxies_are_those_of_the_variables() {
        let network = Network::of_variables(|name| Some(name.to_lowercase()), Some(vec![1]));
        assert_eq!(network.http_proxy.as_deref(), Some("http_proxy"));
        assert_eq!(network.https_proxy.as_deref(), Some("https_proxy"));
        assert_eq!(network.no_proxy.as_deref(), Some("no_proxy"));
        assert_eq!(network.ca_bundle, Some(vec![1]));
    }
}
