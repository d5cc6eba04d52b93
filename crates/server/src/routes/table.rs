//! The table of routes.

use super::head::OriginalRequest;
use super::path::Template;
use engine::policy::PermissionKey;

/// Requests that need a permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Methods, exactly as in requests.
    pub methods: Vec<String>,
    /// Host in lower case, without a port; any host if absent.
    pub host: Option<String>,
    /// Template of the whole path.
    pub path: Template,
    /// The permission.
    pub permission: PermissionKey,
}

/// Routes of which at most one permission fits a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteTable(Vec<Route>);

/// A route that would need two permissions for one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// Number of the earlier route, from 0.
    pub earlier: usize,
    /// Number of the later route.
    pub later: usize,
}

impl RouteTable {
    /// Creates a table.
    ///
    /// # Errors
    /// Two routes with different permissions can match one request.
    pub fn new(routes: Vec<Route>) -> Result<Self, Overlap> {
        for (later, route) in routes.iter().enumerate() {
            let mut before = routes.iter().take(later);
            if let Some(earlier) = before.position(|other| route.contradicts(other)) {
                return Err(Overlap { earlier, later });
            }
        }
        Ok(Self(routes))
    }

    /// Returns the permission that a request needs, if a route matches it.
    pub fn permission(&self, request: &OriginalRequest<'_>) -> Option<&PermissionKey> {
        let route = self.0.iter().find(|route| route.matches(request))?;
        Some(&route.permission)
    }
}

impl Route {
    fn matches(&self, request: &OriginalRequest<'_>) -> bool {
        self.methods.iter().any(|method| method == request.method)
            && self.host.as_ref().is_none_or(|host| *host == request.host)
            && self.path.matches(request.path)
    }

    fn contradicts(&self, other: &Self) -> bool {
        let hosts = self.host.as_ref().zip(other.host.as_ref());
        self.permission != other.permission
            && self
                .methods
                .iter()
                .any(|method| other.methods.contains(method))
            && hosts.is_none_or(|(one, other)| one == other)
            && self.path.overlaps(&other.path)
    }
}
