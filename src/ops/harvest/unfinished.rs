//! Harvests that were killed: what they set out to do counts as harvested where it is done.

use super::manifest::{self, ManifestFile};
use super::plan::Transaction;
use crate::base::error::{Class, Explain, Failure};
use crate::base::ids::TransactionId;
use crate::base::name::Home;
use crate::ops::preview;
use crate::volume::journal::{self, Account};
use crate::volume::lock::Scope;
use crate::volume::{Volume, layout};
use serde::Deserialize;
use std::ffi::OsString;

/// The journal's word for harvesting.
pub const JOURNAL_KIND: &str = "harvest";

/// A harvest's journal that does not say what a harvest's should.
#[derive(Debug, thiserror::Error)]
#[error("the journal of harvest {id} cannot be used: {cause}")]
pub struct IntentError {
    id: TransactionId,
    cause: String,
}

impl Explain for IntentError {
    fn class(&self) -> Class {
        Class::Refused
    }
    fn hint(&self) -> Option<String> {
        Some(format!("Nothing was changed. Look at .farm/journal/{}.jsonl, then move it away.", self.id))
    }
}

/// What a killed harvest set out to do.
pub fn transaction(account: &Account) -> Result<Transaction, Failure> {
    let wrong = |error: serde_json::Error| IntentError { id: account.intent.id, cause: error.to_string() };
    Ok(Transaction::deserialize(&account.intent.body).map_err(wrong)?)
}

/// The killed harvests of a release, oldest first. Reads only.
pub fn of_release(volume: &Volume, release: &Home) -> Result<Vec<(Account, Transaction)>, Failure> {
    let mut found = Vec::new();
    for account in journal::survey(volume)?.unfinished_in(&Scope::from(release))? {
        if account.intent.kind == JOURNAL_KIND {
            let transaction = transaction(&account)?;
            found.push((account, transaction));
        }
    }
    Ok(found)
}

/// What the manifest will say of the files of killed harvests.
pub fn files(volume: &Volume, release: &Home) -> Result<Vec<ManifestFile>, Failure> {
    let killed = of_release(volume, release)?;
    let shares = killed.iter().flat_map(|(_, transaction)| &transaction.jobs);
    Ok(shares.flat_map(|share| share.files.iter().map(|file| share.manifest_file(file))).collect())
}

/// Whether files lie in the release's folder of `dist/` that no manifest knows. A harvest that was killed has not come to
/// its manifest: whoever finishes it writes that.
pub fn lacks_manifest(volume: &Volume, release: &Home) -> bool {
    let listed = volume.dir(&layout::dist_dir(release)).ok().flatten().and_then(|dir| dir.list().ok());
    let names: Vec<OsString> = listed.unwrap_or_default().into_iter().map(|entry| entry.name).collect();
    let is_frame = |name: &OsString| name != preview::FOLDER && !name.to_string_lossy().starts_with('.');
    let is_lost = !names.iter().any(|name| name == manifest::NAME) && names.iter().any(is_frame);
    is_lost && of_release(volume, release).is_ok_and(|left| left.is_empty())
}
