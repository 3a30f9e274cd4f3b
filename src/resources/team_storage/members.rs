//! Members: written as ids or e-mail addresses, compared as people.

use std::collections::{BTreeMap, BTreeSet};

use super::TeamStorage;
use crate::sdk::prelude::*;
use crate::terraform::diagnostics::Explanation;
use crate::wandb::{Client, Team, WandbError};

/// Private data: members that W&B added by itself.
const ADDED: &str = "added_by_wandb";

/// Members as somebody wrote them, each with the id behind it where W&B knows one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written(BTreeMap<String, Option<String>>);

impl Written {
    /// Looks up who is meant. An id stands for itself.
    pub async fn resolve(client: &Client, members: &BTreeSet<String>) -> Result<Self, WandbError> {
        let mut written = BTreeMap::new();
        for member in members {
            let id = if member.contains('@') {
                client.user_by_email(member).await?
            } else {
                Some(member.clone())
            };
            written.insert(member.clone(), id);
        }
        Ok(Self(written))
    }

    /// The ids of everybody who is known.
    pub fn ids(&self) -> BTreeSet<String> {
        self.0.values().flatten().cloned().collect()
    }

    /// The first one that W&B does not know. Whoever is among `members` already is not
    /// asked for.
    pub async fn stranger(
        &self,
        client: &Client,
        members: &BTreeSet<String>,
    ) -> Result<Option<&str>, WandbError> {
        for (written, id) in &self.0 {
            let is_known = match id {
                None => false,
                Some(id) => id != written || members.contains(id) || client.has_user(id).await?,
            };
            if !is_known {
                return Ok(Some(written));
            }
        }
        Ok(None)
    }

    /// The team's members, in every spelling that they were written in. Whoever W&B added by
    /// itself counts only where somebody has named them.
    pub fn as_written(
        &self,
        ids: &BTreeSet<String>,
        added_by_wandb: &BTreeSet<String>,
    ) -> BTreeSet<String> {
        let spelled = self.0.iter().filter_map(|(member, id)| {
            let id = id.as_ref()?;
            ids.contains(id).then(|| member.clone())
        });
        let named = self.ids();
        let others = ids
            .difference(&named)
            .filter(|id| !added_by_wandb.contains(*id));
        spelled.chain(others.cloned()).collect()
    }
}

/// The ids of a team's members.
pub fn ids_of(team: &Team) -> BTreeSet<String> {
    team.members
        .iter()
        .map(|member| member.id.clone())
        .collect()
}

/// Notes that W&B has added everybody in the team who was not asked for.
pub fn note_added(team: &Team, asked_for: &BTreeSet<String>, private: &mut Private) {
    let mut all = added(private);
    all.extend(ids_of(team).difference(asked_for).cloned());
    if !all.is_empty() {
        private.set(ADDED, all.into_iter().collect::<Vec<String>>());
    }
}

/// The members of a state, looked up; `None` where they are not managed.
pub async fn written(client: &Client, state: &TeamStorage) -> Result<Option<Written>, WandbError> {
    match state.members.known().and_then(SetOf::known) {
        Some(members) => Written::resolve(client, &members).await.map(Some),
        None => Ok(None),
    }
}

/// The members that W&B added by itself.
pub fn added(private: &Private) -> BTreeSet<String> {
    private
        .get(ADDED)
        .and_then(|list| list.as_array())
        .map(|list| {
            list.iter()
                .filter_map(|one| one.as_str().map(str::to_owned))
                .collect()
        })
        .unwrap_or_default()
}

/// A member that the instance does not know.
pub fn stranger_error(summary: &str, stranger: &str) -> Diagnostic {
    Explanation::new(
        summary,
        format!("the W&B instance knows no user {stranger:?}"),
    )
    .left_behind("nothing new")
    .what_to_do("Invite the user to the organization first, or correct the address or id.")
    .at(Path::of("members"))
    .error()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(members: &[&str]) -> BTreeSet<String> {
        members.iter().map(|one| (*one).to_owned()).collect()
    }

    #[test]
    fn people_keep_the_spelling_that_they_were_written_in() {
        let written = Written(BTreeMap::from([
            ("Jane@example.com".to_owned(), Some("u1".to_owned())),
            ("jane@example.com".to_owned(), Some("u1".to_owned())),
            ("u1".to_owned(), Some("u1".to_owned())),
            ("u2".to_owned(), Some("u2".to_owned())),
            ("gone@example.com".to_owned(), None),
        ]));
        assert_eq!(
            written.as_written(&set(&["u1", "u3", "u4"]), &set(&["u1", "u4"])),
            set(&["Jane@example.com", "jane@example.com", "u1", "u3"])
        );
        assert_eq!(written.ids(), set(&["u1", "u2"]));
    }
}
