//! Files of releases at the URLs that browsers use; github.com redirects to their storage.

use super::http::{Answer, Request};
use super::route::Route;
use super::state::State;

pub(crate) fn asset(state: &State, route: &Route, request: &Request) -> Result<Answer, Answer> {
    let missing = || Answer::error(404, "Not Found");
    let repository = state
        .repository(&route.owner, &route.repository)
        .ok_or_else(missing)?;
    let (step, file) = route.rest.split_once('/').ok_or_else(missing)?;
    let content = repository.release_asset(file).ok_or_else(missing)?;
    Ok(match step {
        "download" => {
            let kept = request.path.replacen("/download/", "/kept/", 1);
            let location = format!("{}{kept}", state.server_url);
            Answer::empty(302).with_header("Location", &location)
        }
        "kept" => Answer::new(200, "application/octet-stream", content),
        _ => return Err(missing()),
    })
}
