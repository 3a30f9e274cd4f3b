//! The marker: one tag that says who made a bucket, and whether it is finished.
//!
//! Its key is [`KEY`]; its value is `creating-<generation>` until the last step of a
//! create and `ready-<generation>` from then on. While a bucket is being taken over, the
//! generations that its state had before follow, each after a `-`; after another `-` those of
//! the owners that it was adopted from. Where W&B's identity is older than the generation,
//! because it came with the bucket, the one that it was made with follows after a `_`. It
//! never shows in a user's tags.

use std::fmt;

/// The tag or label that carries the marker.
pub const KEY: &str = "terraform-provider-wandb";

/// The tag by which a key or an identity names the bucket that it was made for: the
/// generation alone does not say so, for anybody may point a name at another bucket's key.
pub const BUCKET: &str = "terraform-provider-wandb/bucket";

/// The same where the key of a tag can hold no slash, as on Azure.
pub const CONTAINER: &str = "terraform-provider-wandb-container";

/// Whether a tag is one of ours, which no user may write and none sees.
pub fn is_reserved(key: &str) -> bool {
    key.strip_prefix(KEY)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// As many former owners as fit into the shortest value that a tag can have: 63
/// characters, of a label on Google Cloud.
const MOST_FORMER: usize = 4;

/// Which making of a bucket this is: eight lower-case hexadecimal digits.
///
/// A bucket that was deleted and made again, or adopted by another resource, has
/// another generation, so that the old state cannot delete the new bucket.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Generation(String);

impl Generation {
    /// The generation for four bytes that the caller drew or derived.
    pub fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(format!("{:08x}", u32::from_be_bytes(bytes)))
    }

    /// Reads the eight digits; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 8
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        digits.then(|| Self(text.to_owned()))
    }

    /// Stands for the owner of a bucket without a marker: nothing was ever made with it.
    pub fn nobodys() -> Self {
        Self::from_bytes([0; 4])
    }

    /// The eight digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// How far the making of a bucket has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Some steps are still to be done; the next apply goes on.
    Creating,
    /// All steps are done.
    Ready,
}

/// The value of the marker tag.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Marker {
    /// How far the making has come.
    pub stage: Stage,
    /// Which making it is.
    pub generation: Generation,
    /// What its state had before, the latest first, until it has been taken over for good.
    pub former: Vec<Generation>,
    /// Whose bucket it was before it was adopted, likewise. None of those may have it back.
    pub taken_from: Vec<Generation>,
    /// The generation in the name of W&B's identity, where that is another one.
    pub identity: Option<Generation>,
}

impl Marker {
    /// The marker of a bucket that is being made.
    pub fn creating(generation: Generation) -> Self {
        Self {
            stage: Stage::Creating,
            generation,
            former: Vec::new(),
            taken_from: Vec::new(),
            identity: None,
        }
    }

    /// The marker of a finished bucket.
    pub fn ready(generation: Generation) -> Self {
        Self {
            stage: Stage::Ready,
            generation,
            former: Vec::new(),
            taken_from: Vec::new(),
            identity: None,
        }
    }

    /// The marker of a bucket whose state, the one that `before` names or nobody's, takes it
    /// over as `generation`.
    pub fn taking_over(before: Option<&Self>, generation: Generation) -> Self {
        let taken_from = before.map_or_else(Vec::new, |before| before.taken_from.clone());
        let mut former = before.map_or_else(|| vec![Generation::nobodys()], Self::generations);
        former.retain(|one| !taken_from.contains(one));
        Self::within_bounds(generation, former, taken_from)
    }

    /// The marker of a bucket that `generation` adopts, from the owner that `before` names or
    /// from nobody.
    pub fn adopting(before: Option<&Self>, generation: Generation) -> Self {
        let taken_from = before.map_or_else(|| vec![Generation::nobodys()], Self::generations);
        Self::within_bounds(generation, Vec::new(), taken_from)
    }

    /// The marker of a half-made bucket that `generation` goes on with.
    pub fn going_on(began: &Self, generation: Generation) -> Self {
        Self {
            stage: Stage::Creating,
            ..Self::within_bounds(generation, began.generations(), Vec::new())
        }
    }

    /// The oldest one stays: that takeover has come to its end, and what W&B uses is of it.
    fn within_bounds(
        generation: Generation,
        mut former: Vec<Generation>,
        mut taken_from: Vec<Generation>,
    ) -> Self {
        while former.len() + taken_from.len() > MOST_FORMER {
            let longer = if taken_from.len() > 1 {
                &mut taken_from
            } else {
                &mut former
            };
            longer.remove(longer.len() - 2);
        }
        Self {
            former,
            taken_from,
            ..Self::ready(generation)
        }
    }

    /// Every generation that something of the bucket may have been made with, each once, the
    /// latest first.
    pub fn generations(&self) -> Vec<Generation> {
        let mut all = vec![self.generation.clone()];
        let former = self.former.iter().chain(&self.taken_from);
        for one in self.identity.iter().chain(former) {
            if !all.contains(one) {
                all.push(one.clone());
            }
        }
        all
    }

    /// Reads a tag's value; `None` when it is not one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let (stage, generation) = text.split_once('-')?;
        let stage = match stage {
            "creating" => Stage::Creating,
            "ready" => Stage::Ready,
            _ => return None,
        };
        let (generations, identity) = match generation.split_once('_') {
            Some((generations, identity)) => (generations, Some(Generation::parse(identity)?)),
            None => (generation, None),
        };
        let (own, taken_from) = match generations.split_once("--") {
            Some((own, taken_from)) => (own, Some(taken_from)),
            None => (generations, None),
        };
        let read = |text: &str| -> Option<Vec<Generation>> {
            text.split('-').map(Generation::parse).collect()
        };
        let mut former = read(own)?;
        let generation = former.remove(0);
        Some(Self {
            stage,
            generation,
            former,
            taken_from: taken_from.map_or_else(|| Some(Vec::new()), read)?,
            identity,
        })
    }

    /// Whether the bucket is on its way to another owner.
    pub fn is_taken_over(&self) -> bool {
        !(self.former.is_empty() && self.taken_from.is_empty())
    }

    /// The same, of a bucket that is finished.
    #[must_use]
    pub fn finished(self) -> Self {
        Self {
            stage: Stage::Ready,
            ..self
        }
    }

    /// Whether the bucket is only half made.
    pub fn is_creating(&self) -> bool {
        self.stage == Stage::Creating
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Creating => "creating",
            Stage::Ready => "ready",
        };
        write!(out, "{stage}-{}", self.generation)?;
        self.former
            .iter()
            .try_for_each(|former| write!(out, "-{former}"))?;
        if !self.taken_from.is_empty() {
            out.write_str("-")?;
        }
        self.taken_from
            .iter()
            .try_for_each(|former| write!(out, "-{former}"))?;
        self.identity
            .iter()
            .try_for_each(|identity| write!(out, "_{identity}"))
    }
}

/// A bucket that this provider may delete from.
///
/// Invariant: made only by [`OwnedBucket::confirm`], which has compared the marker
/// that stands on the bucket now with the generation of the object in the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedBucket {
    name: String,
    generation: Generation,
}

impl OwnedBucket {
    /// The bucket, if the marker found on it belongs to `generation`.
    ///
    /// Without a marker nothing is confirmed: a bucket that lost its marker may be
    /// somebody else's by now.
    pub fn confirm(bucket: &str, found: Option<&Marker>, generation: &Generation) -> Option<Self> {
        found
            .filter(|marker| &marker.generation == generation)
            .map(|_| Self {
                name: bucket.to_owned(),
                generation: generation.clone(),
            })
    }

    /// The bucket's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the bucket is still ours, by a marker that was found on it just now.
    pub fn is_still_ours(&self, found: Option<&Marker>) -> bool {
        found.is_some_and(|marker| marker.generation == self.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_reads_back_what_it_writes() {
        for text in [
            "creating-00c0ffee",
            "ready-ffffffff",
            "ready-ffffffff-00c0ffee-01020304",
            "ready-ffffffff_00c0ffee",
            "ready-ffffffff-00c0ffee_01020304",
            "ready-ffffffff--00c0ffee-01020304",
            "ready-ffffffff-00c0ffee--01020304_05060708",
        ] {
            assert_eq!(
                Marker::parse(text)
                    .map(|marker| marker.to_string())
                    .as_deref(),
                Some(text)
            );
        }
    }

    #[test]
    fn other_peoples_values_are_no_markers() {
        for text in [
            "",
            "ready",
            "ready-",
            "ready-123",
            "ready-00C0FFEE",
            "done-00c0ffee",
            "ready-00c0ffee1",
            "ready-00c0ffee-",
            "ready-00c0ffee-x",
            "ready-00c0ffee--",
            "ready-00c0ffee---01020304",
            "ready-00c0ffee--01020304--05060708",
            "ready-00c0ffee_",
            "ready-00c0ffee_x",
            "ready-00c0ffee_01020304_05060708",
        ] {
            assert_eq!(Marker::parse(text), None, "{text}");
        }
    }

    #[test]
    fn bytes_keep_their_leading_zeros() {
        assert_eq!(Generation::from_bytes([0, 0, 1, 0xff]).as_str(), "000001ff");
    }

    #[test]
    fn who_takes_over_remembers_whose_it_was() {
        let bytes = |n| Generation::from_bytes([0, 0, 0, n]);
        let mut marker = Marker::taking_over(None, bytes(1));
        assert_eq!(marker.to_string(), "ready-00000001-00000000");
        for n in 2..9 {
            marker = Marker::taking_over(Some(&marker), bytes(n));
        }
        assert_eq!(
            marker.to_string(),
            "ready-00000008-00000007-00000006-00000005-00000000"
        );
        marker.identity = Some(bytes(9));
        assert!(marker.to_string().len() <= 63, "{marker}");
    }

    #[test]
    fn who_adopts_tells_the_owners_before_from_its_own() {
        let bytes = |n| Generation::from_bytes([0, 0, 0, n]);
        let marker = Marker::adopting(None, bytes(1));
        assert_eq!(marker.to_string(), "ready-00000001--00000000");
        let before = Marker::parse("ready-00c0ffee-01020304");
        let mut marker = Marker::adopting(before.as_ref(), bytes(1));
        assert_eq!(marker.to_string(), "ready-00000001--00c0ffee-01020304");
        for n in 2..9 {
            marker = Marker::taking_over(Some(&marker), bytes(n));
        }
        assert_eq!(
            marker.to_string(),
            "ready-00000008-00000007-00000006-00000001--01020304"
        );
        marker.identity = Some(bytes(9));
        assert!(marker.to_string().len() <= 63, "{marker}");
        let marker = Marker::adopting(Some(&marker), bytes(10));
        assert_eq!(
            marker.to_string(),
            "ready-0000000a--00000008-00000009-00000007-01020304"
        );
    }

    #[test]
    fn who_takes_over_remembers_who_made_the_identity() {
        let before = Marker::parse("ready-00c0ffee_01020304");
        let after = Marker::taking_over(before.as_ref(), Generation::from_bytes([0xff; 4]));
        assert_eq!(after.to_string(), "ready-ffffffff-00c0ffee-01020304");
    }

    #[test]
    fn reserved_tags_are_ours_and_no_others() {
        assert!(is_reserved("terraform-provider-wandb"));
        assert!(is_reserved("terraform-provider-wandb/bucket"));
        assert!(!is_reserved("terraform-provider-wandbs"));
    }
}
