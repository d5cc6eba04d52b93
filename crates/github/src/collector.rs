//! The OpenTelemetry endpoint in the variables, which receives logs.
//!
//! Source: the OpenTelemetry specification, "OpenTelemetry Protocol Exporter" and "Environment Variable
//! Specification". Nothing fails because of it: invalid variables cause warnings.

use std::collections::BTreeMap;
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::http::{Budget, Client, Retry, collect, host_of};
use engine::policy::quoted;
use token::written_url;

/// Headers that HTTP itself sets, and the type of the body.
const OWN_HEADERS: [HeaderName; 5] = [
    CONNECTION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    HOST,
    TRANSFER_ENCODING,
];
/// Default of the specification.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longer than any run.
const NO_LIMIT: Duration = Duration::from_secs(24 * 3600);
/// Maximum size of a response in bytes.
const MAX_RESPONSE: usize = 64 << 10;

/// The endpoint, and the attributes of the sender.
#[derive(Debug)]
pub struct Collector {
    url: Url,
    headers: HeaderMap,
    timeout: Duration,
    /// Attributes of all that the sender sends.
    pub resource: BTreeMap<String, String>,
}

/// Looks a variable up.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<&'a str>;

impl Collector {
    /// Reads the variables. `service` is the default of the sender's name. Returns `None` if they name no usable endpoint,
    /// and warnings.
    pub fn read(variable: Lookup<'_>, service: &str) -> (Option<Self>, Vec<String>) {
        let mut remarks = Vec::new();
        let exporter = Exporter(variable);
        let collector = exporter
            .are_enabled()
            .then(|| exporter.endpoint(&mut remarks))
            .flatten()
            .filter(|_| exporter.supports_protocol(&mut remarks))
            .map(|url| Self {
                url,
                headers: exporter.headers(&mut remarks),
                timeout: exporter.timeout(&mut remarks),
                resource: exporter.resource(service, &mut remarks),
            });
        (collector, remarks)
    }

    /// Returns its host.
    pub fn host(&self) -> String {
        host_of(&self.url)
    }

    /// Returns the time that the variables give a request.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Sends an `ExportLogsServiceRequest` in JSON, and returns the body of the answer.
    ///
    /// # Errors
    /// Why the endpoint did not take it, in words.
    pub async fn send(
        &self,
        client: &Client,
        body: &str,
        budget: Budget,
    ) -> Result<Vec<u8>, String> {
        let host = client.host_and_proxy(&self.url);
        let attempt = || async {
            let response = client
                .post(&self.url)
                .headers(self.headers.clone())
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_owned())
                .send()
                .await
                .map_err(|error| client.failure(&error, &self.url))?;
            collect(http::Response::from(response), MAX_RESPONSE, &host).await
        };
        match budget.run(Retry::Transient, &host, attempt).await {
            Ok(response) if response.status.is_success() => Ok(response.body),
            Ok(response) => Err(format!(
                "it answered {} to OTLP in JSON",
                response.describe()
            )),
            Err(error) => Err(error.of_receiver()),
        }
    }
}

/// The variables of the exporter.
struct Exporter<'a>(Lookup<'a>);

impl<'a> Exporter<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        let value = (self.0)(name)?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// Returns the name and value of an option: the variable for logs, or the one for all signals.
    fn option(&self, name: &str) -> Option<(String, &'a str)> {
        ["_LOGS", ""].iter().find_map(|signal| {
            let variable = format!("OTEL_EXPORTER_OTLP{signal}_{name}");
            let value = self.get(&variable)?;
            Some((variable, value))
        })
    }

    fn are_enabled(&self) -> bool {
        let disabled = self.get("OTEL_SDK_DISABLED").unwrap_or_default();
        let mut exporters = self.get("OTEL_LOGS_EXPORTER").unwrap_or("otlp").split(',');
        !disabled.eq_ignore_ascii_case("true")
            && exporters.any(|exporter| exporter.trim().eq_ignore_ascii_case("otlp"))
    }

    fn endpoint(&self, remarks: &mut Vec<String>) -> Option<Url> {
        let (variable, text) = self.option("ENDPOINT")?;
        let url = written_url(text).filter(|url| ["http", "https"].contains(&url.scheme()));
        let Some(mut url) = url else {
            // Without the text, because a URL can contain a password.
            remarks.push(format!(
                "the audit records are not sent to OpenTelemetry: `{variable}` is not a URL like `http://HOST:4318`"
            ));
            return None;
        };
        // The variable for logs is the full URL, the other one the base URL of all signals.
        if variable == "OTEL_EXPORTER_OTLP_ENDPOINT" {
            let path = format!("{}/v1/logs", url.path().trim_end_matches('/'));
            url.set_path(&path);
        }
        Some(url)
    }

    /// Returns whether the protocol is HTTP. The body is JSON whatever the variable names, because collectors accept
    /// both encodings at the same URL. gRPC is another protocol, on another port.
    fn supports_protocol(&self, remarks: &mut Vec<String>) -> bool {
        let Some((variable, protocol)) = self.option("PROTOCOL") else {
            return true;
        };
        let is_grpc = protocol.eq_ignore_ascii_case("grpc");
        if is_grpc {
            remarks.push(format!(
                "the audit records are not sent to OpenTelemetry: `{variable}` is `grpc`, expected \
                 `http/json`; set `OTEL_EXPORTER_OTLP_LOGS_PROTOCOL` to it here and \
                 `OTEL_EXPORTER_OTLP_LOGS_ENDPOINT` to `http://HOST:4318/v1/logs`, or `OTEL_SDK_DISABLED` to `true`"
            ));
        }
        !is_grpc
    }

    fn headers(&self, remarks: &mut Vec<String>) -> HeaderMap {
        let Some((variable, text)) = self.option("HEADERS") else {
            return HeaderMap::new();
        };
        let headers = pairs(text).and_then(|pairs| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                let name = HeaderName::try_from(name).ok()?;
                let mut value = HeaderValue::try_from(value).ok()?;
                value.set_sensitive(true);
                if !OWN_HEADERS.contains(&name) {
                    headers.insert(name, value);
                }
            }
            Some(headers)
        });
        headers.unwrap_or_else(|| {
            // Without the text, because headers contain keys.
            remarks.push(format!(
                "`{variable}` is ignored: expected `NAME=VALUE,NAME=VALUE`"
            ));
            HeaderMap::new()
        })
    }

    /// Returns the timeout. The variable is in milliseconds, and 0 means no limit.
    fn timeout(&self, remarks: &mut Vec<String>) -> Duration {
        let Some((variable, text)) = self.option("TIMEOUT") else {
            return TIMEOUT;
        };
        match text.parse::<u32>() {
            Ok(0) => NO_LIMIT,
            Ok(milliseconds) => Duration::from_millis(milliseconds.into()),
            Err(_) => {
                remarks.push(format!(
                    "`{variable}` is ignored: it is {}, expected milliseconds",
                    quoted(text)
                ));
                TIMEOUT
            }
        }
    }

    /// Returns the attributes in the variables.
    fn resource(&self, service: &str, remarks: &mut Vec<String>) -> BTreeMap<String, String> {
        const GIVEN: &str = "OTEL_RESOURCE_ATTRIBUTES";
        let given = pairs(self.get(GIVEN).unwrap_or_default()).unwrap_or_else(|| {
            remarks.push(format!(
                "`{GIVEN}` is ignored: expected `KEY=VALUE,KEY=VALUE`"
            ));
            Vec::new()
        });
        let mut resource: BTreeMap<String, String> = given.into_iter().collect();
        for (key, default) in [
            ("service.name", service),
            ("service.version", env!("CARGO_PKG_VERSION")),
        ] {
            resource
                .entry(key.to_owned())
                .or_insert_with(|| default.to_owned());
        }
        if let Some(name) = self.get("OTEL_SERVICE_NAME") {
            resource.insert("service.name".to_owned(), name.to_owned());
        }
        resource
    }
}

/// Parses `KEY=VALUE,KEY=VALUE` with percent-encoded keys and values, or returns `None`.
fn pairs(list: &str) -> Option<Vec<(String, String)>> {
    let decode = |text: &str| {
        let text = percent_decode_str(text.trim()).decode_utf8().ok()?;
        Some(text.into_owned())
    };
    list.split(',')
        .filter(|pair| !pair.trim().is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=')?;
            let key = decode(key).filter(|key| !key.is_empty())?;
            Some((key, decode(value)?))
        })
        .collect()
}
