//! The gate to READY: every variant is in place as recorded, exactly once, and so is the original.
//! What the client sent is removed after that, when READY is on record.

use std::time::Duration;

use media::{FileId, Placeholder, conformance, files, files::objects, keys, variants};
use sqlx::PgConnection;
use storage::ObjectKey;
use workflows::{
    Attempt, BoxError, Done, Joined, NextOnError, Record, Step, StepError, StepSettings,
};

use crate::{
    errors,
    facts::{Promoted, Rendered},
    kinds::{Probe, Publication, audio, document, image, video},
    queues,
    tools::Context,
};

pub(crate) struct Publish;

impl Step for Publish {
    const NAME: &'static str = "publish";
    const QUEUE: &'static str = queues::LIGHT;
    const NEEDS: &'static [&'static str] = &[errors::STORE];
    type Context = Context;
    type Input = Joined<Promoted, Rendered>;
    type Output = ();

    fn settings() -> StepSettings {
        // Of a film, every byte is read once more.
        StepSettings {
            timeout: Duration::from_hours(2),
            ..StepSettings::default()
        }
    }

    async fn run(
        cx: &Attempt<Context>,
        Joined {
            carry,
            mut children,
        }: Self::Input,
    ) -> Result<Done<()>, StepError> {
        let placeholder = children.iter_mut().find_map(|c| c.placeholder.take());
        let document = children.iter_mut().find_map(|c| c.document.take());
        let probe = carry.probe.completed(document);
        let stored: Vec<_> = children.into_iter().flat_map(|c| c.outputs).collect();
        probe.check(&stored).or_fail()?;
        let file_id = carry.file_id;
        let found = cx.context.found(file_id).await?;
        let original = keys::original(&found.sha256);
        cx.context.in_place(&original, found.size_bytes).await?;
        let publication = match &probe {
            Probe::Image(_) => image::publish::publish(&cx.context, stored).await?,
            Probe::Video(probe) => {
                video::publish::publish(cx, &found.sha256, probe, stored).await?
            }
            Probe::Audio(probe) => {
                audio::publish::publish(cx, &found.sha256, probe, stored).await?
            }
            Probe::Document(probe) => {
                document::publish::publish(&cx.context, probe, stored).await?
            }
        };
        Ok(Done::new(()).recording(Ready {
            file_id,
            publication,
            placeholder,
            original,
        }))
    }
}

/// The file can be served.
struct Ready {
    file_id: FileId,
    publication: Publication,
    placeholder: Option<Placeholder>,
    original: ObjectKey,
}

impl Record for Ready {
    const SHARES_COMMIT: bool = true;

    async fn record(&self, tx: &mut PgConnection) -> Result<(), BoxError> {
        let Publication {
            variants,
            served,
            report,
            audio,
            warnings,
            document,
        } = &self.publication;
        variants::record(tx, self.file_id, variants).await?;
        objects::serve(tx, self.file_id, served).await?;
        if let Some(report) = report {
            conformance::record(tx, self.file_id, report).await?;
        }
        if let Some(audio) = audio {
            media::audio::record(tx, self.file_id, audio).await?;
        }
        files::set_placeholder(tx, self.file_id, self.placeholder.as_ref()).await?;
        files::warn(tx, self.file_id, warnings).await?;
        if let Some(document) = document {
            media::document::record(tx, self.file_id, document).await?;
        }
        files::mark_ready(tx, self.file_id, self.original.as_str()).await?;
        Ok(())
    }
}
