//! Joins the verdicts of a log with its decisions.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::decision::{self, Decision};
use super::files::{self, Days};
use super::totals::{self, Bad, Counts, Feedback, Observed};
use super::verdict::{BundleName, Verdict};
use super::{
    DECISIONS_FOLDER, Options, ShadowLog, VERDICTS_FOLDER, for_each_feedback, for_each_verdict,
    hash,
};
use crate::error::TrainerError;
use crate::eval::shadow::{Compared, Missing, SliceName};

/// Verdicts of one bundle and one pair.
#[derive(Debug, Default)]
struct Group {
    bundle: BundleName,
    strong: String,
    weak: String,
    rows: Vec<(i64, Compared)>,
    /// Whether the row's decision is in the log.
    has_decision: Vec<bool>,
    /// Requests whose comparison failed.
    failed: Vec<Missing>,
    judges: Vec<String>,
    judge_usd: f64,
    last: i64,
}

/// Where an id's verdict is.
#[derive(Debug, Clone, Copy)]
enum Found {
    Row(usize, usize),
    Failed,
}

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Reading {
    groups: Vec<Group>,
    verdicts: HashMap<u64, Found>,
    slices: Vec<SliceName>,
    missing: Vec<Missing>,
    win_rates: Vec<f64>,
    observed: Observed,
    feedback: Vec<Feedback>,
    counts: Counts,
}

impl Reading {
    /// Reads verdicts, then decisions, then feedback.
    ///
    /// # Errors
    /// [`TrainerError::File`]; [`TrainerError::NothingToScore`].
    pub(super) fn read(log: &Path, options: &Options) -> Result<ShadowLog, TrainerError> {
        let mut reading = Self::default();
        let counted = for_each_verdict(log, options.days, &mut |verdict| reading.take(verdict))?;
        reading.counts = Counts { failed: std::mem::take(&mut reading.counts.failed), ..counted };
        let chosen = reading.choose(log, options)?;
        reading.join(log, options.days, chosen)?;
        reading.feedback(log, options.days)?;
        reading.finish(log, chosen)
    }

    fn take(&mut self, verdict: Verdict) {
        let key = self.slice("key", &verdict.key);
        let is_of = |group: &Group| {
            (&group.bundle, &group.strong, &group.weak)
                == (&verdict.bundle, &verdict.strong, &verdict.weak)
        };
        let place = self.groups.iter().position(is_of).unwrap_or(self.groups.len());
        if place == self.groups.len() {
            let (bundle, strong) = (verdict.bundle.clone(), verdict.strong.clone());
            self.groups.push(Group {
                bundle,
                strong,
                weak: verdict.weak.clone(),
                last: i64::MIN,
                ..Group::default()
            });
        }
        let Some(group) = self.groups.get_mut(place) else { return };
        group.last = group.last.max(verdict.at);
        group.judge_usd += verdict.judge_usd;
        if !verdict.judge.is_empty() && !group.judges.contains(&verdict.judge) {
            group.judges.push(verdict.judge);
        }
        let (win_rate, is_weak_chosen, probability) =
            (verdict.win_rate, verdict.is_weak_chosen, verdict.probability);
        let found = match verdict.target {
            Ok(target) => {
                let (costs, day, slices) = (verdict.costs, verdict.day, vec![key]);
                let row =
                    Compared { win_rate, target, is_weak_chosen, probability, costs, day, slices };
                group.rows.push((verdict.at, row));
                group.has_decision.push(false);
                Found::Row(place, group.rows.len() - 1)
            }
            Err(why) => {
                group.failed.push(Missing { win_rate, is_weak_chosen, probability });
                *self.counts.failed.entry(why).or_default() += 1;
                Found::Failed
            }
        };
        self.verdicts.insert(hash(&verdict.id), found);
    }

    fn slice(&mut self, kind: &str, name: &str) -> usize {
        let is_it = |slice: &SliceName| slice.kind == kind && slice.name == name;
        self.slices.iter().position(is_it).unwrap_or_else(|| {
            self.slices.push(SliceName { kind: kind.to_owned(), name: name.to_owned() });
            self.slices.len() - 1
        })
    }

    /// The group to report on: the one with the last verdict.
    fn choose(&self, log: &Path, options: &Options) -> Result<usize, TrainerError> {
        let is_asked = |group: &Group| {
            options.bundle.as_ref().is_none_or(|asked| {
                group.bundle.name == *asked
                    || (!asked.is_empty() && group.bundle.sha256.starts_with(asked.as_str()))
            })
        };
        let with_rows = |group: &&(usize, &Group)| !group.1.rows.is_empty();
        let asked = self.groups.iter().enumerate().filter(|(_, group)| is_asked(group));
        let chosen = asked.filter(|group| with_rows(&group)).max_by_key(|(_, group)| group.last);
        chosen.map(|(at, _)| at).ok_or_else(|| self.nothing(log, options))
    }

    fn nothing(&self, log: &Path, options: &Options) -> TrainerError {
        let folder = log.join(VERDICTS_FOLDER);
        let named = |group: &Group| {
            let sha256 = group.bundle.sha256.get(..12).unwrap_or(&group.bundle.sha256);
            format!("{} {sha256} ({} and {})", group.bundle.name, group.strong, group.weak)
        };
        let groups: Vec<String> =
            self.groups.iter().filter(|group| !group.rows.is_empty()).map(named).collect();
        let detail = if !folder.is_dir() {
            format!(
                "{} is not there, expected a downloaded bucket with decisions/ and verdicts/. Set shadow in the \
                 gateway (docs/GATEWAY.md), and download its LOG bucket",
                folder.display()
            )
        } else if let (Some(asked), false) = (&options.bundle, groups.is_empty()) {
            format!(
                "found no verdict of the bundle {asked:?} in {}, expected one of {}",
                log.display(),
                groups.join(", ")
            )
        } else {
            let bad = self.counts.bad.rows.first().map_or_else(String::new, |bad| {
                format!("; the first bad one is {}:{}: {}", bad.path, bad.line, bad.detail)
            });
            format!(
                "found {} verdicts in {}, {} of them failed, and {} bad rows, expected at least one comparison{bad}. \
                 Wait for more traffic, or widen --since and --until",
                self.counts.verdicts,
                folder.display(),
                self.counts.failed.values().sum::<usize>(),
                self.counts.bad.count
            )
        };
        TrainerError::NothingToScore { detail }
    }

    /// Reads the decisions: what could be drawn, what has no verdict, and the tasks.
    fn join(&mut self, log: &Path, days: Days, chosen: usize) -> Result<(), TrainerError> {
        let Some(group) = self.groups.get(chosen) else { return Ok(()) };
        let (bundle, pair) = (group.bundle.clone(), [group.strong.clone(), group.weak.clone()]);
        let (mut seen, mut bad, mut duplicates) = (HashSet::new(), Bad::default(), 0);
        let others =
            files::for_each(&log.join(DECISIONS_FOLDER), days, &mut |place, text| match text
                .and_then(decision::parse)
            {
                Ok(None) => self.counts.not_rated += 1,
                Ok(Some(decision)) if !seen.insert(hash(&decision.id)) => duplicates += 1,
                Ok(Some(decision)) => {
                    self.counts.decisions += 1;
                    self.take_decision(&decision, chosen, &bundle, &pair);
                }
                Err(detail) => bad.push(log, place, detail),
            })?;
        self.counts.duplicate_decisions = duplicates;
        self.counts.bad.append(bad);
        self.counts.other_files.extend(log, others);
        Ok(())
    }

    fn take_decision(
        &mut self,
        decision: &Decision,
        chosen: usize,
        bundle: &BundleName,
        pair: &[String; 2],
    ) {
        let found = self.verdicts.get(&hash(&decision.id)).copied();
        if let Some(Found::Row(group, row)) = found {
            let task = decision.task.as_ref().map(|task| self.slice("task", task));
            if let Some(group) = self.groups.get_mut(group) {
                if let Some((_, row)) = group.rows.get_mut(row) {
                    row.slices.extend(task);
                }
                if let Some(has_decision) = group.has_decision.get_mut(row) {
                    *has_decision = true;
                }
            }
        }
        if decision.bundle != *bundle {
            self.counts.of_other_bundles += 1;
            return;
        }
        if let Some(costs) = decision.observed {
            self.observed.add(costs);
        }
        let of_pair = decision.pair.as_ref().is_none_or(|of| of == pair);
        let (Some(drawn), Some(win_rate), true) = (decision.drawn, decision.win_rate, of_pair)
        else {
            return;
        };
        self.counts.eligible += 1;
        self.win_rates.push(win_rate);
        self.counts.drawn += usize::from(drawn.sampled);
        let is_of_other = matches!(found, Some(Found::Row(group, _)) if group != chosen);
        if drawn.sampled && (found.is_none() || is_of_other) {
            self.counts.without_verdict += 1;
            let (is_weak_chosen, probability) = (decision.is_weak_chosen, drawn.probability);
            self.missing.push(Missing { win_rate, is_weak_chosen, probability });
        }
    }

    /// Sums the scores of feedback by the LLM that answered.
    fn feedback(&mut self, log: &Path, days: Days) -> Result<(), TrainerError> {
        let (feedback, mut rows) = (&mut self.feedback, 0);
        let counts = for_each_feedback(log, days, &mut |outcome| {
            rows += 1;
            for (model, score) in outcome.scores {
                totals::add_feedback(feedback, &model, score);
            }
        })?;
        self.counts.outcomes = rows;
        self.counts.duplicate_outcomes = counts.duplicate_outcomes;
        self.counts.bad.append(counts.bad);
        self.counts.other_files.append(counts.other_files);
        Ok(())
    }

    fn finish(mut self, log: &Path, chosen: usize) -> Result<ShadowLog, TrainerError> {
        let others = self.groups.iter().enumerate().filter(|(at, _)| *at != chosen);
        self.counts.of_other_groups =
            others.map(|(_, group)| group.rows.len() + group.failed.len()).sum();
        if chosen >= self.groups.len() {
            return Err(self.nothing(log, &Options::default()));
        }
        let mut group = self.groups.swap_remove(chosen);
        self.counts.compared = group.rows.len();
        self.counts.without_decision = group.has_decision.iter().filter(|has| !**has).count();
        // A stable sort: rows of one instant stay in the order of their files.
        group.rows.sort_by_key(|(at, _)| *at);
        let rows: Vec<Compared> = group.rows.into_iter().map(|(_, row)| row).collect();
        let days = rows.iter().map(|row| row.day);
        let days = (days.clone().min().unwrap_or(0), days.max().unwrap_or(0));
        self.missing.extend(group.failed);
        self.feedback.sort_by(|a, b| a.model.cmp(&b.model));
        let (slices, rows) = in_order(self.slices, rows);
        Ok(ShadowLog {
            bundle: group.bundle,
            strong: group.strong,
            weak: group.weak,
            rows,
            missing: self.missing,
            win_rates: self.win_rates,
            slices,
            judges: group.judges,
            judge_usd: group.judge_usd,
            days,
            counts: self.counts,
            observed: self.observed,
            feedback: self.feedback,
        })
    }
}

/// Puts tasks before keys, by name, and leaves out a kind that divides nothing.
fn in_order(slices: Vec<SliceName>, mut rows: Vec<Compared>) -> (Vec<SliceName>, Vec<Compared>) {
    let used: HashSet<usize> = rows.iter().flat_map(|row| row.slices.iter().copied()).collect();
    let mut kept: Vec<(usize, SliceName)> =
        slices.into_iter().enumerate().filter(|(at, _)| used.contains(at)).collect();
    let count = |kind: &str| kept.iter().filter(|(_, slice)| slice.kind == kind).count();
    let (tasks, keys) = (count("task"), count("key"));
    kept.retain(|(_, slice)| if slice.kind == "task" { tasks > 0 } else { keys > 1 });
    kept.sort_by(|(_, a), (_, b)| (b.kind.as_str(), &a.name).cmp(&(a.kind.as_str(), &b.name)));
    let place: HashMap<usize, usize> =
        kept.iter().enumerate().map(|(to, (from, _))| (*from, to)).collect();
    for row in &mut rows {
        row.slices = row.slices.iter().filter_map(|from| place.get(from).copied()).collect();
    }
    (kept.into_iter().map(|(_, slice)| slice).collect(), rows)
}
