//! The state of the instance: people, teams, file stores, the requests it saw and the
//! faults it was given. Knows neither HTTP nor GraphQL.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::Config;
use super::faults::{Armed, Fault};

/// The name of the service account that every organization here has.
pub(super) const SERVICE_ACCOUNT: &str = "automation";

/// A person or a service account.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) user_name: String,
    pub(super) email: String,
    pub(super) admin: bool,
    pub(super) service_account: bool,
    pub(super) created: String,
}

/// A team.
#[derive(Clone, Debug)]
pub(super) struct Team {
    /// Its id in SCIM.
    pub(super) id: String,
    /// Its id in GraphQL; nothing says that the two are the same, so they differ.
    pub(super) entity_id: String,
    /// The id of its storage in GraphQL.
    pub(super) storage_id: String,
    pub(super) name: String,
    /// The number of its organization.
    pub(super) organization: u32,
    /// People's ids.
    pub(super) members: Vec<String>,
    /// Service accounts' ids; SCIM neither shows nor changes them.
    pub(super) service_accounts: Vec<String>,
    /// In SCIM's spelling; empty when the team uses the instance's bucket.
    pub(super) storage: BTreeMap<String, String>,
    pub(super) created: String,
    pub(super) modified: String,
    /// Counts changes, for entity tags.
    pub(super) version: u32,
}

/// A team as tests see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TeamView {
    /// Its name.
    pub name: String,
    /// Its id in SCIM.
    pub id: String,
    /// The ids of its members, without service accounts.
    pub members: Vec<String>,
    /// The ids of the service accounts in it.
    pub service_accounts: Vec<String>,
    /// The storage it was made with, in SCIM's spelling; empty when it has none.
    pub storage: BTreeMap<String, String>,
}

/// A user as tests see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UserView {
    /// The id.
    pub id: String,
    /// The name to log in with.
    pub user_name: String,
    /// The e-mail address; empty for service accounts.
    pub email: String,
    /// Whether it is a service account.
    pub service_account: bool,
}

/// A request that the instance saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestLog {
    /// `GET`, `POST`, ….
    pub method: String,
    /// The path, still percent-encoded, without the query.
    pub path: String,
    /// The query, still percent-encoded; empty when there is none.
    pub query: String,
    /// The name of the GraphQL operation.
    pub operation: Option<String>,
    /// The status of the answer; `None` while there is none and for lost ones.
    pub status: Option<u16>,
}

/// Everything that changes.
#[derive(Default)]
pub(super) struct World {
    pub(super) users: Vec<User>,
    pub(super) teams: Vec<Team>,
    pub(super) stores: Vec<String>,
    pub(super) faults: Vec<Armed>,
    requests: Vec<(u64, RequestLog)>,
    next_request: u64,
    teams_ever: u32,
}

impl World {
    pub(super) fn new(config: &Config) -> Self {
        let name = if config.username.is_empty() {
            "admin"
        } else {
            &config.username
        };
        let user = |number: u32, name: &str, email: String| User {
            id: opaque("User", number),
            user_name: name.to_owned(),
            email,
            admin: false,
            service_account: false,
            created: now(),
        };
        let owner = User {
            admin: true,
            ..user(1, name, format!("{name}@example.com"))
        };
        let automation = User {
            service_account: true,
            ..user(2, SERVICE_ACCOUNT, String::new())
        };
        Self {
            users: vec![owner, automation],
            stores: config.stores.clone(),
            ..Self::default()
        }
    }

    pub(super) fn add_user(&mut self, id: &str, user_name: &str, email: &str) {
        self.users.push(User {
            id: id.to_owned(),
            user_name: user_name.to_owned(),
            email: email.to_owned(),
            admin: false,
            service_account: false,
            created: now(),
        });
    }

    pub(super) fn user_views(&self) -> Vec<UserView> {
        self.users
            .iter()
            .map(|user| UserView {
                id: user.id.clone(),
                user_name: user.user_name.clone(),
                email: user.email.clone(),
                service_account: user.service_account,
            })
            .collect()
    }

    pub(super) fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// The person with this id or e-mail address; service accounts are no people.
    pub(super) fn person(&self, id_or_email: &str) -> Option<&User> {
        self.users
            .iter()
            .filter(|user| !user.service_account)
            .find(|user| user.id == id_or_email || user.email.eq_ignore_ascii_case(id_or_email))
    }

    /// Whether a team or a person has this name: they share one space.
    pub(super) fn is_taken(&self, name: &str) -> bool {
        self.teams.iter().any(|team| team.name == name)
            || self.users.iter().any(|user| user.user_name == name)
    }

    /// Makes a team, with the organization's service accounts in it; returns its id.
    pub(super) fn add_team(
        &mut self,
        name: &str,
        members: Vec<String>,
        storage: BTreeMap<String, String>,
    ) -> String {
        self.teams_ever += 1;
        let number = self.teams_ever;
        let service_accounts = self
            .users
            .iter()
            .filter(|user| user.service_account)
            .map(|user| user.id.clone())
            .collect();
        let id = opaque("Team", number);
        let time = now();
        self.teams.push(Team {
            id: id.clone(),
            entity_id: opaque("Entity", 100 + number),
            storage_id: opaque("StorageBucketInfo", number),
            name: name.to_owned(),
            organization: self.asked(),
            members,
            service_accounts,
            storage,
            created: time.clone(),
            modified: time,
            version: 1,
        });
        id
    }

    /// The team with this id, where SCIM answers for its organization.
    pub(super) fn team(&self, id: &str) -> Option<&Team> {
        let asked = self.asked();
        let mut own = self.teams.iter().filter(|team| team.organization == asked);
        own.find(|team| team.id == id)
    }

    pub(super) fn team_mut(&mut self, id: &str) -> Option<&mut Team> {
        let asked = self.asked();
        self.teams
            .iter_mut()
            .find(|team| team.id == id && team.organization == asked)
    }

    /// The number of the organization that SCIM answers for.
    pub(super) fn asked(&self) -> u32 {
        let asked = self.standing(|fault| match fault {
            Fault::Organizations { asked, .. } => Some(*asked),
            _ => None,
        });
        asked.unwrap_or(1)
    }

    /// The numbers of the organizations that the key sees.
    pub(super) fn seen(&self) -> Vec<u32> {
        let seen = self.standing(|fault| match fault {
            Fault::Organizations { seen, .. } => Some(seen.clone()),
            _ => None,
        });
        seen.unwrap_or_else(|| vec![1])
    }

    /// Whoever is in every team that they make, where that is so.
    pub(super) fn sticky_caller(&self) -> Option<String> {
        self.standing(|fault| matches!(fault, Fault::AddCaller).then_some(()))?;
        self.users.first().map(|user| user.id.clone())
    }

    pub(super) fn team_views(&self) -> Vec<TeamView> {
        self.teams
            .iter()
            .map(|team| TeamView {
                name: team.name.clone(),
                id: team.id.clone(),
                members: team.members.clone(),
                service_accounts: team.service_accounts.clone(),
                storage: team.storage.clone(),
            })
            .collect()
    }

    pub(super) fn set_members(&mut self, name: &str, members: Vec<String>) -> bool {
        let team = self.teams.iter_mut().find(|team| team.name == name);
        team.map(|team| team.set_members(members)).is_some()
    }

    pub(super) fn remove_team(&mut self, name: &str) -> bool {
        let before = self.teams.len();
        self.teams.retain(|team| team.name != name);
        self.teams.len() < before
    }

    pub(super) fn add_fault(&mut self, fault: Fault) {
        self.faults.push(Armed::new(fault));
    }

    pub(super) fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// Writes down a request; the number is for [`World::set_status`].
    pub(super) fn record(&mut self, request: RequestLog) -> u64 {
        let number = self.next_request;
        self.next_request += 1;
        self.requests.push((number, request));
        number
    }

    pub(super) fn set_status(&mut self, number: u64, status: u16) {
        if let Some((_, request)) = self.requests.iter_mut().find(|(own, _)| *own == number) {
            request.status = Some(status);
        }
    }

    pub(super) fn requests(&self) -> Vec<RequestLog> {
        self.requests.iter().map(|(_, one)| one.clone()).collect()
    }

    pub(super) fn clear_requests(&mut self) {
        self.requests.clear();
    }
}

impl Team {
    pub(super) fn set_members(&mut self, members: Vec<String>) {
        self.members = members;
        self.modified = now();
        self.version += 1;
    }

    /// The weak entity tag of this state of the team.
    pub(super) fn tag(&self) -> String {
        format!("W/\"{}-{}\"", self.id.trim_end_matches('='), self.version)
    }
}

/// An id in the style of W&B's: it may end in `=`.
pub(super) fn opaque(kind: &str, number: u32) -> String {
    STANDARD.encode(format!("{kind}:{number}"))
}

/// The time as `2026-01-31T12:00:00Z`.
pub(super) fn now() -> String {
    timestamp(seconds())
}

/// Seconds since 1970.
pub(super) fn seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

pub(super) fn timestamp(seconds: u64) -> String {
    let (mut days, rest) = (seconds / 86_400, seconds % 86_400);
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= if leap(year) { 366 } else { 365 } {
        days -= if leap(year) { 366 } else { 365 };
        year += 1;
    }
    let february = if leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!(
        "{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z",
        days + 1
    )
}

#[cfg(test)]
mod tests {
    use super::timestamp;

    #[test]
    fn timestamps_know_leap_years() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00Z");
        assert_eq!(timestamp(951_827_696), "2000-02-29T12:34:56Z");
        assert_eq!(timestamp(4_107_542_399), "2100-02-28T23:59:59Z");
        assert_eq!(timestamp(4_107_542_400), "2100-03-01T00:00:00Z");
    }
}
