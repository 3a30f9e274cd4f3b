//! Whether somebody may do something, by the roles that are felt by now.

use super::roles::Definition;
use super::world::World;

/// Whether a scope is another one or below it; without case.
pub(crate) fn covers(scope: &str, other: &str) -> bool {
    let (scope, other) = (scope.to_ascii_lowercase(), other.to_ascii_lowercase());
    other
        .strip_prefix(scope.trim_end_matches('/'))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl World {
    /// The roles that a principal has at a scope by now.
    pub(crate) fn roles_at(&self, principal: &str, scope: &str) -> Vec<&Definition> {
        let now = self.now();
        let delay = self.config.role_delay;
        let felt = self.assignments.iter().filter(|one| {
            one.principal.eq_ignore_ascii_case(principal)
                && covers(&one.scope, scope)
                && one.created + delay <= now
                && one.removed.is_none_or(|removed| now < removed + delay)
        });
        let definition = |role: &str| self.definitions.iter().find(|one| one.id == role);
        felt.filter_map(|one| definition(&one.role)).collect()
    }

    /// Whether a principal may do something of the management side.
    pub(crate) fn may(&self, principal: &str, action: &str, scope: &str) -> bool {
        let roles = self.roles_at(principal, scope);
        roles.iter().any(|role| role.allows(action))
    }

    /// Whether a principal may do something with data.
    pub(crate) fn may_with_data(&self, principal: &str, action: &str, scope: &str) -> bool {
        let roles = self.roles_at(principal, scope);
        roles.iter().any(|role| role.allows_data(action))
    }

    /// The scopes of locks that keep something from being deleted, or from being written.
    pub(crate) fn locked(&self, scope: &str, delete: bool) -> Vec<String> {
        let holds = |lock: &&super::world::Lock| {
            let above = covers(&lock.scope, scope);
            // What is deleted takes all below it along.
            let below = delete && covers(scope, &lock.scope);
            (above || below) && (delete || lock.level == "ReadOnly")
        };
        let locks = self.locks.iter().filter(holds);
        locks.map(|lock| lock.scope.clone()).collect()
    }
}
