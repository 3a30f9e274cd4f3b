//! What the path of a request names: the parts that are fixed are compared without case.

use crate::azure::refusal::Refusal;
use crate::azure::request::Request;

/// A resource, a list of resources, or an action on one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    /// Empty for what no subscription has.
    pub(crate) subscription: String,
    pub(crate) group: Option<String>,
    /// What stands before the last `/providers`, as it was sent.
    pub(crate) parent: String,
    /// As it was sent; empty for groups, subscriptions and the like.
    pub(crate) namespace: String,
    /// The types, as they were sent; the last may be an action's verb.
    pub(crate) types: Vec<String>,
    /// The names; one less than types for a list or an action.
    pub(crate) names: Vec<String>,
}

impl Target {
    /// Reads a path.
    pub(crate) fn parse(request: &Request) -> Result<Self, Refusal> {
        let parts: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let is = |part: &str, word: &str| part.eq_ignore_ascii_case(word);
        let mut target = Self::default();
        let mut rest = &parts[..];
        if let [word, id, more @ ..] = rest
            && is(word, "subscriptions")
        {
            target.subscription = (*id).to_ascii_lowercase();
            rest = more;
            if let [word, name, more @ ..] = rest
                && is(word, "resourcegroups")
            {
                target.group = Some((*name).to_owned());
                rest = more;
            }
        }
        let last = rest.iter().rposition(|part| is(part, "providers"));
        let Some(last) = last else {
            return target.bare(&parts, rest);
        };
        let before = parts.len() - rest.len() + last;
        target.parent = parts[..before]
            .iter()
            .map(|one| format!("/{one}"))
            .collect();
        match &rest[last + 1..] {
            // A namespace itself: `/subscriptions/s/providers/Microsoft.Storage`.
            [] => return Err(unknown()),
            [namespace] => {
                target.types = vec!["providers".to_owned()];
                target.names = vec![(*namespace).to_owned()];
            }
            [namespace, pairs @ ..] => {
                target.namespace = (*namespace).to_owned();
                for pair in pairs.chunks(2) {
                    target.types.push(pair[0].to_owned());
                    target
                        .names
                        .extend(pair.get(1).map(|name| (*name).to_owned()));
                }
            }
        }
        Ok(target)
    }

    /// A subscription, a group or a list of them.
    fn bare(mut self, parts: &[&str], rest: &[&str]) -> Result<Self, Refusal> {
        let (kind, name) = match (rest, &self.group) {
            ([], Some(group)) => ("resourcegroups", Some(group.clone())),
            ([], None) if !self.subscription.is_empty() => {
                ("subscriptions", Some(self.subscription.clone()))
            }
            ([one], _) if one.eq_ignore_ascii_case("resources") => ("resources", None),
            ([one], None) if one.eq_ignore_ascii_case("resourcegroups") => ("resourcegroups", None),
            ([one], None) if one.eq_ignore_ascii_case("subscriptions") => ("subscriptions", None),
            _ => return Err(unknown()),
        };
        let scope = parts.len() - usize::from(name.is_none());
        self.parent = parts[..scope].iter().map(|one| format!("/{one}")).collect();
        self.types = vec![kind.to_owned()];
        self.names.extend(name);
        Ok(self)
    }

    /// The kind, in lower case: `microsoft.storage/storageaccounts/blobservices`.
    pub(crate) fn path(&self) -> String {
        let types = self.types.join("/").to_ascii_lowercase();
        if self.namespace.is_empty() {
            return types;
        }
        format!("{}/{types}", self.namespace.to_ascii_lowercase())
    }

    /// Whether it ends on a name.
    pub(crate) fn is_one(&self) -> bool {
        self.types.len() == self.names.len()
    }

    /// The verb of an action, or the list that is asked for.
    pub(crate) fn verb(&self) -> Option<String> {
        let last = self.types.last().filter(|_| !self.is_one())?;
        Some(last.to_ascii_lowercase())
    }

    /// Takes the verb of an action away; then it names what the action is on.
    pub(crate) fn without_verb(&self) -> Self {
        let mut target = self.clone();
        target.types.truncate(target.names.len());
        target
    }

    pub(crate) fn name(&self, at: usize) -> &str {
        self.names.get(at).map_or("", String::as_str)
    }

    /// The full name of the resource, as it was sent.
    pub(crate) fn id(&self) -> String {
        if self.namespace.is_empty() {
            return self.parent.clone();
        }
        let mut id = format!("{}/providers/{}", self.parent, self.namespace);
        for (kind, name) in self.types.iter().zip(&self.names) {
            id += &format!("/{kind}/{name}");
        }
        if self.names.is_empty() {
            return self.parent.clone();
        }
        id
    }

    /// The scope by which roles decide: the resource, or what a list is of.
    pub(crate) fn scope(&self) -> String {
        self.id()
    }
}

fn unknown() -> Refusal {
    let message = "The request path is not known.";
    Refusal::new(404, "InvalidResourceType", message)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, Method};

    use super::{Request, Target};

    fn parse(path: &str) -> Target {
        let request = Request::new(Method::GET, path, HeaderMap::new(), bytes::Bytes::new());
        Target::parse(&request).unwrap()
    }

    #[test]
    fn paths_are_taken_apart() {
        let account =
            "/subscriptions/S/ResourceGroups/g/providers/Microsoft.Storage/storageAccounts/a";
        let one = parse(account);
        assert_eq!(one.path(), "microsoft.storage/storageaccounts");
        assert_eq!((one.subscription.as_str(), one.name(0)), ("s", "a"));
        assert_eq!(one.id(), account);
        let lock = parse(&format!(
            "{account}/providers/Microsoft.Authorization/locks/l"
        ));
        assert_eq!(lock.parent, account);
        assert_eq!(lock.path(), "microsoft.authorization/locks");
        let keys = parse(&format!("{account}/listKeys"));
        assert_eq!(keys.verb().as_deref(), Some("listkeys"));
        assert_eq!(keys.without_verb(), one);
        assert_eq!(keys.scope(), account);
        let groups = parse("/subscriptions/s/resourcegroups");
        assert_eq!(
            (groups.path().as_str(), groups.id().as_str()),
            ("resourcegroups", "/subscriptions/s")
        );
        assert_eq!(
            parse("/subscriptions/s/resourceGroups/g/resources").id(),
            "/subscriptions/s/resourceGroups/g"
        );
    }
}
