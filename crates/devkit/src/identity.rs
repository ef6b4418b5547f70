//! The user that services run as: ourselves, or `nobody` when we are root.
//!
//! Postgres refuses to run as root, and nothing that parses hostile files should.

use std::{
    io, os::unix::fs::MetadataExt, os::unix::process::CommandExt, path::Path, process::Command,
};

use nix::unistd::{Gid, Uid, User, chown};

use crate::Error;

/// Who a service runs as and owns its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    uid: Uid,
    gid: Gid,
    /// Whether children must change to it.
    switch: bool,
}

impl Identity {
    pub fn for_services() -> Result<Self, Error> {
        if !Uid::effective().is_root() {
            return Ok(Self {
                uid: Uid::effective(),
                gid: Gid::effective(),
                switch: false,
            });
        }
        let nobody = User::from_name("nobody")
            .ok()
            .flatten()
            .ok_or(Error::NoUnprivilegedUser)?;
        Ok(Self {
            uid: nobody.uid,
            gid: nobody.gid,
            switch: true,
        })
    }

    /// Whether services run as somebody else than we do.
    pub fn is_another_user(self) -> bool {
        self.switch
    }

    /// Makes `command` run as this user. The standard library drops the supplementary groups too,
    /// and does all of it before any `pre_exec`.
    pub fn apply(self, command: &mut Command) {
        if self.switch {
            command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
        }
    }

    /// Hands a file or folder that we made to this user.
    pub fn own(self, path: &Path) -> Result<(), Error> {
        if self.switch {
            chown(path, Some(self.uid), Some(self.gid))
                .map_err(io::Error::from)
                .map_err(Error::file("change the owner of", path))?;
        }
        Ok(())
    }

    pub fn owns(self, metadata: &std::fs::Metadata) -> bool {
        metadata.uid() == self.uid.as_raw()
    }

    /// Whether this user can walk down to and into `path`: as root we may stand in a folder, such as one
    /// under `/root`, that `nobody` cannot enter. Looks at the mode bits for others only.
    pub fn can_reach(self, path: &Path) -> bool {
        let open = |folder: &Path| {
            folder
                .metadata()
                .is_ok_and(|m| m.mode() & 0o001 != 0 || self.owns(&m))
        };
        !self.switch || path.ancestors().all(open)
    }
}
