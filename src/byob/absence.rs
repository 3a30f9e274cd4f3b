//! The proof that a bucket is not there.
//!
//! Deleting keys and users, and forgetting secrets, cannot be undone. So none of it follows
//! from one answer: a proxy, a server that has just restarted, or an address that leads
//! elsewhere says "no such bucket" as well.

/// What the second question was answered, after a first answer that a bucket is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondAnswer {
    /// It is not there either way.
    Absent,
    /// It is there.
    Present,
}

/// A bucket that is proven not to be there.
///
/// Invariant: made only by [`AbsentBucket::deleted`], after the server has confirmed the
/// deletion, and by [`AbsentBucket::confirm`], after two different questions had the same
/// answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbsentBucket {
    name: String,
    left: Option<String>,
    for_good: bool,
}

impl AbsentBucket {
    /// A bucket whose deletion the server has confirmed a moment ago.
    pub fn deleted(bucket: &str) -> Self {
        Self {
            name: bucket.to_owned(),
            left: None,
            for_good: false,
        }
    }

    /// The same, where nothing of what it held can be brought back any more.
    #[must_use]
    pub fn for_good(mut self) -> Self {
        self.for_good = true;
        self
    }

    /// Whether nothing of what it held can be brought back.
    pub fn is_for_good(&self) -> bool {
        self.for_good
    }

    /// The same, with what stays of it although it is gone.
    #[must_use]
    pub fn leaving(mut self, left: String) -> Self {
        self.left = Some(left);
        self
    }

    /// What stays of it although it is gone, as a noun.
    pub fn left(&self) -> Option<&str> {
        self.left.as_deref()
    }

    /// A bucket of which one answer has said that it is not there, if a second one agrees.
    pub fn confirm(bucket: &str, second: SecondAnswer) -> Option<Self> {
        (second == SecondAnswer::Absent).then(|| Self::deleted(bucket))
    }

    /// The bucket's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Where a bucket is asked for, as far as it is known without asking: another server's "not
/// there" says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// The server's address.
    pub endpoint: String,
    /// The account, on clouds that have them, once somebody has asked for it.
    pub account: Option<String>,
}

impl Server {
    /// Whether this is certainly another server than `other`.
    pub fn differs(&self, other: &Self) -> bool {
        let other_account = matches!((&self.account, &other.account),
            (Some(here), Some(there)) if here != there);
        self.endpoint != other.endpoint || other_account
    }
}

impl std::fmt::Display for Server {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.account {
            Some(account) => write!(out, "{} (account {account})", self.endpoint),
            None => out.write_str(&self.endpoint),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_is_no_proof() {
        assert_eq!(AbsentBucket::confirm("b", SecondAnswer::Present), None);
        let proof = AbsentBucket::confirm("b", SecondAnswer::Absent);
        assert_eq!(proof.as_ref().map(AbsentBucket::name), Some("b"));
    }

    #[test]
    fn an_account_that_nobody_asked_for_is_no_other_one() {
        let server = |endpoint: &str, account: Option<&str>| Server {
            endpoint: endpoint.to_owned(),
            account: account.map(str::to_owned),
        };
        assert!(!server("h", None).differs(&server("h", Some("1"))));
        assert!(server("h", Some("2")).differs(&server("h", Some("1"))));
        assert!(server("g", None).differs(&server("h", None)));
    }
}
