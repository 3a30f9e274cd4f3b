//! A team together with the bucket that it owns.

use super::{TeamStorage, TeamStorageResource, bucket};
use crate::resources::byob_bucket::Bucket;
use crate::sdk::prelude::*;

impl TeamStorageResource {
    /// The bucket first. Once it stands, nothing is an error any more: Terraform would
    /// replace both, and the instance would have to be told another key.
    pub(super) async fn create_with_bucket(
        &self,
        cx: &Context,
        create: Create<TeamStorage>,
        own: Bucket,
    ) -> Outcome<TeamStorage> {
        let Create {
            planned,
            config,
            private,
        } = create;
        let Field::Known(own_config) = config.byob_bucket else {
            return Outcome::gone();
        };
        let mut kept = match self.check_team(cx, &planned).await {
            Ok(private) => private,
            Err(diagnostic) => return Outcome::gone().with([diagnostic]),
        };
        let part = bucket::context(cx, &planned, &kept);
        let make = Create {
            planned: own,
            config: own_config,
            private: private.part(bucket::BLOCK),
        };
        let made = Resource::create(&self.bucket, &part, make).await;
        kept.set_part(bucket::BLOCK, &made.private);
        let mut diagnostics: Diagnostics = bucket::placed(made.diagnostics).collect();
        let Some(own) = made.state else {
            return Outcome::gone().with(diagnostics);
        };
        let state = bucket::not_made(planned.clone(), own.clone());
        if diagnostics.has_errors() {
            return Outcome::exists(state, kept).with(diagnostics);
        }
        cx.exists(&state, &kept);
        let flat = bucket::flat(&bucket::whole(planned, Field::Known(own.clone())));
        let team = self.create_team(cx, flat, true).await;
        let refused = team.state.is_none();
        diagnostics.extend(team.diagnostics.into_iter().map(|one| {
            if refused && one.is_error() {
                bucket::waits(&one)
            } else {
                one
            }
        }));
        match team.state {
            None => Outcome::exists(state, kept).with(diagnostics),
            Some(flat) => {
                let mut private = team.private;
                private.set_part(bucket::BLOCK, &made.private);
                Outcome::exists(bucket::whole(flat, Field::Known(own)), private).with(diagnostics)
            }
        }
    }

    /// Makes the bucket of a block that is new or whose bucket has vanished, or changes it.
    pub(super) async fn change_bucket(
        &self,
        cx: &Context,
        update: &Update<TeamStorage>,
        planned: Bucket,
    ) -> Outcome<Bucket> {
        let Field::Known(config) = update.config.byob_bucket.clone() else {
            return Outcome::gone();
        };
        let private = update.private.part(bucket::BLOCK);
        let part = bucket::context(cx, &update.prior, &update.private);
        match update.prior.byob_bucket.clone() {
            Field::Known(prior) => {
                let change = Update {
                    prior,
                    planned,
                    config,
                    private,
                };
                Resource::update(&self.bucket, &part, change).await
            }
            Field::Null | Field::Unknown => {
                let make = Create {
                    planned,
                    config,
                    private,
                };
                Resource::create(&self.bucket, &part, make).await
            }
        }
    }
}
