//! Reads one source of a recipe, without the data sets that the recipe leaves out.

use std::collections::BTreeMap;
use std::path::Path;

use crate::data::{
    self, DataError, Format, LabelRow, LoadedLabels, OutcomeRow, Outcomes, PromptRow, PromptSource,
    ReadOptions, Table, remove_duplicates, routellm_mmlu,
};
use crate::error::TrainerError;
use crate::recipe::{Recipe, Role, SourceRecipe};

/// The outcomes of one source, each question once, whatever other sources hold; `None` where the source
/// holds no outcomes.
///
/// # Errors
/// [`TrainerError::Data`], naming the file.
pub fn outcomes_of(
    recipe: &Recipe,
    source: &SourceRecipe,
    folder: &Path,
    skip_bad: bool,
) -> Result<Option<Outcomes>, TrainerError> {
    if format_of(source, folder)?.table() != Table::Outcomes {
        return Ok(None);
    }
    let loaded = load(recipe, source, folder, &ReadOptions { skip_bad })?;
    Ok(Some(remove_duplicates(&wanted(source, loaded.outcomes)).0))
}

/// The rows of one source of graded needs; `None` where the source holds none.
///
/// # Errors
/// [`TrainerError::Data`], naming the file.
pub fn needs_of(
    source: &SourceRecipe,
    folder: &Path,
    skip_bad: bool,
) -> Result<Option<Vec<LabelRow>>, TrainerError> {
    let format = format_of(source, folder)?;
    if format != Format::NeedJsonl {
        return Ok(None);
    }
    Ok(Some(load_labels(source, folder, format, &ReadOptions { skip_bad })?.rows))
}

/// Outcomes of a source, with what identifies their file.
pub(super) struct LoadedSource {
    pub outcomes: Outcomes,
    pub format: Format,
    pub sha256: String,
}

pub(super) fn load(
    recipe: &Recipe,
    source: &SourceRecipe,
    folder: &Path,
    options: &ReadOptions,
) -> Result<LoadedSource, TrainerError> {
    let format = format_of(source, folder)?;
    let path = folder.join(&source.path);
    let loaded = match compares_llms(recipe, source.role) {
        true => data::read(&path, Some(format), options)?,
        false => data::read_of_any_models(&path, Some(format), options)?,
    };
    if loaded.bad_count > 0 {
        eprintln!("{}: {} bad rows left out", source.name, loaded.bad_count);
    }
    say_passed_over(source, &loaded.passed_over);
    let mut outcomes = loaded.outcomes;
    for model in &mut outcomes.models {
        let name =
            source.aliases.get(model).map_or_else(|| recipe.canonical(model), String::as_str);
        *model = name.to_owned();
    }
    if let Some(list) = &source.contaminated {
        let prompts = routellm_mmlu::contaminated_prompts(&folder.join(list))?;
        outcomes = routellm_mmlu::remove_contaminated(&outcomes, &prompts).0;
    }
    Ok(LoadedSource { outcomes, format, sha256: loaded.sha256 })
}

fn say_passed_over(source: &SourceRecipe, passed_over: &BTreeMap<&'static str, usize>) {
    for (what, rows) in passed_over {
        eprintln!("{}: passed over {rows} {what}", source.name);
    }
}

/// Whether a source of this role is of use only if it has the scores of two LLMs or more. One LLM's scores say
/// how hard its queries are; of a corpus and of what is held out the questions alone count.
fn compares_llms(recipe: &Recipe, role: Role) -> bool {
    match role {
        Role::Gold | Role::Test => true,
        Role::Auxiliary => !recipe.head.learns_labels(),
        Role::Corpus | Role::Held => false,
    }
}

/// Reads outcomes, or prompts as outcomes without scores.
pub(super) fn load_queries(
    recipe: &Recipe,
    source: &SourceRecipe,
    folder: &Path,
    format: Format,
    options: &ReadOptions,
) -> Result<LoadedSource, TrainerError> {
    if format.table() != Table::Prompts {
        return load(recipe, source, folder, options);
    }
    let loaded = data::read_prompts(&folder.join(&source.path), Some(format), options)?;
    let PromptSource { bad_count, passed_over, sha256, .. } = loaded.source;
    if bad_count > 0 {
        eprintln!("{}: {bad_count} bad rows left out", source.name);
    }
    say_passed_over(source, &passed_over);
    let row = |row: PromptRow| OutcomeRow {
        id: row.id,
        query: row.query,
        dataset: row.dataset,
        category: None,
        cluster: None,
        scores: Vec::new(),
        costs: Vec::new(),
    };
    let rows = loaded.rows.into_iter().map(row).collect();
    Ok(LoadedSource { outcomes: Outcomes { rows, ..Outcomes::default() }, format, sha256 })
}

pub(super) fn without_labels(recipe: &Recipe, source: &SourceRecipe) -> TrainerError {
    let detail = format!(
        "{} holds prompts, which teach no label: give it role \"corpus\" or \"held\", or have its \
         prompts answered and judged",
        source.name
    );
    TrainerError::BadRecipe { path: recipe.name.as_str().into(), detail }
}

/// Reads the labels of a source, without the data sets that the recipe leaves out.
pub(super) fn load_labels(
    source: &SourceRecipe,
    folder: &Path,
    format: Format,
    options: &ReadOptions,
) -> Result<LoadedLabels, TrainerError> {
    let mut loaded = data::read_labels(&folder.join(&source.path), Some(format), options)?;
    if loaded.bad_count > 0 {
        eprintln!("{}: {} bad rows left out", source.name, loaded.bad_count);
    }
    loaded.rows.retain(|row| !source.without.iter().any(|w| row.dataset.starts_with(w)));
    Ok(loaded)
}

pub(super) fn format_of(source: &SourceRecipe, folder: &Path) -> Result<Format, DataError> {
    match &source.format {
        Some(name) => Format::from_name(name),
        None => data::detect(&folder.join(&source.path)),
    }
}

/// The rows of a source without the data sets that the recipe leaves out, scored as the recipe
/// says.
pub(super) fn wanted(source: &SourceRecipe, mut outcomes: Outcomes) -> Outcomes {
    let of = |list: &[String], row: &OutcomeRow| list.iter().any(|w| row.dataset.starts_with(w));
    outcomes.rows.retain(|row| !of(&source.without, row));
    for row in outcomes.rows.iter_mut().filter(|row| of(&source.right_above_zero, row)) {
        row.scores.iter_mut().for_each(|(_, score)| *score = f32::from(u8::from(*score > 0.0)));
    }
    outcomes
}
