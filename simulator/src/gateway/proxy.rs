//! A proxy by the rules of the documentation, with an API behind it: the smallest one that shows both.

use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use super::message::Message;

/// A proxy on loopback that asks the server for one permission, and an API behind it. It ends with the process.
#[derive(Debug)]
pub struct Proxy {
    /// `HOST:PORT` that jobs call.
    pub address: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

/// What each party of a request saw.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// The job's request.
    pub request: Message,
    /// The proxy's question to the server.
    pub question: Message,
    /// The server's answer; empty if there was none.
    pub answer: Message,
    /// What arrived at the API, if anything.
    pub upstream: Option<Message>,
}

impl Proxy {
    /// Starts a proxy that asks the server at `HOST:PORT` for a permission.
    ///
    /// # Errors
    ///
    /// The system provides no port.
    pub fn start(server: &str, permission: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let target = format!("GET /v1/forward-auth/{permission} HTTP/1.1");
        std::thread::spawn({
            let (calls, server) = (Arc::clone(&calls), server.to_owned());
            move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    // A client that breaks off has no answer.
                    let _ = serve(stream, &server, &target, &calls);
                }
            }
        });
        Ok(Self { address, calls })
    }

    /// Returns the requests so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.calls).clone()
    }
}

fn lock(calls: &Mutex<Vec<Call>>) -> std::sync::MutexGuard<'_, Vec<Call>> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(
    mut stream: TcpStream,
    server: &str,
    target: &str,
    calls: &Mutex<Vec<Call>>,
) -> anyhow::Result<()> {
    let request = Message::read(&mut stream)?;
    let mut question = Message::new(target).with("host", "repo-permissions");
    let credentials = request.headers.iter();
    let credentials = credentials.filter(|(name, _)| name == "authorization");
    question.headers.extend(credentials.cloned());
    // Without an answer, nothing is granted.
    let answer = question.exchange(server).unwrap_or_default();
    let mut call = Call {
        request,
        question,
        answer,
        upstream: None,
    };
    let response = match call.answer.status() {
        200 => {
            let request = upstream(&call);
            let response = api(&request);
            call.upstream = Some(request);
            response
        }
        401 | 403 => call.answer.clone(),
        _ => Message::new("HTTP/1.1 503 Service Unavailable"),
    };
    let mut response = response;
    response
        .headers
        .retain(|(name, _)| name != "content-length");
    // Before the client learns that the call is over.
    lock(calls).push(call);
    response.write(&mut stream)
}

/// The request for the API: without the token, and with the server's headers instead of the client's.
fn upstream(call: &Call) -> Message {
    let of_server = |name: &str| name.starts_with("x-repo-permissions-");
    let mut request = call.request.clone();
    request
        .headers
        .retain(|(name, _)| name != "authorization" && !of_server(name));
    let answered = call.answer.headers.iter();
    let answered = answered.filter(|(name, _)| of_server(name));
    request.headers.extend(answered.cloned());
    request
}

/// The API creates a deployment for anyone who reaches it.
fn api(request: &Message) -> Message {
    let repository = request.header("x-repo-permissions-repository");
    let body = format!(
        "{{\"created\": \"a deployment of {}\"}}",
        repository.unwrap_or("nobody knows what")
    );
    Message {
        body,
        ..Message::new("HTTP/1.1 201 Created")
    }
}
