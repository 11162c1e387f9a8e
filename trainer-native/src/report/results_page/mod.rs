//! docs/RESULTS.md, composed whole from stored results and benchmark runs.
//!
//! [`page`] writes every section: heading, prose, table. The numbers are computed from what is stored;
//! those that no file holds stand in the last section, which says so.
//!
//! ```no_run
//! use std::path::Path;
//! use pointsman_trainer::report::results_page::{Benchmarks, page, read_results};
//!
//! # fn main() -> Result<(), pointsman_trainer::TrainerError> {
//! let results = read_results(Path::new("trainer-native/results"))?;
//! let benchmarks = Benchmarks::read(Path::new("bench/runs"))?;
//! std::fs::write("docs/RESULTS.md", page(&results, &benchmarks)?)
//!     .map_err(pointsman_trainer::TrainerError::file(Path::new("docs/RESULTS.md")))?;
//! # Ok(())
//! # }
//! ```

mod benchmarks;
mod brief;
pub mod pair;
pub mod pool;
mod prose;
mod seeds;
mod values;

use std::path::Path;

use crate::TrainerError;
use crate::eval::Stored;
use crate::eval::transfer::NeedCorrelations;
use crate::report::{sanity_tables, transfer_tables};
use crate::report_error::ReportError;
pub use benchmarks::Benchmarks;
use values::{HELD_SUBJECTS, LLMROUTER, ROUTERBENCH, ROUTERDC};

/// The results of every JSON file in a folder and its subfolders, in name order.
///
/// # Errors
/// [`TrainerError::File`], and those of [`Stored::read`].
pub fn read_results(folder: &Path) -> Result<Stored, TrainerError> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(TrainerError::file(folder))? {
        paths.push(entry.map_err(TrainerError::file(folder))?.path());
    }
    paths.sort_unstable();
    let mut results = Stored::default();
    for path in paths {
        if path.is_dir() {
            results.append(read_results(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            let text = std::fs::read_to_string(&path).map_err(TrainerError::file(&path))?;
            results.append(Stored::read(&text)?);
        }
    }
    Ok(results)
}

/// The page's text.
///
/// # Errors
/// [`ReportError::NoResults`] where a number that the page states is not stored; those of the tables
/// in [`pair`] and [`pool`].
pub fn page(stored: &Stored, benchmarks: &Benchmarks) -> Result<String, ReportError> {
    let Stored { pairs, pools, transfers, sanities } = stored;
    let mut page = Page(String::from("# Results\n"));
    page.add(prose::OPENING);

    page.add("## In brief");
    page.add(&brief::table(stored, benchmarks)?.markdown());
    page.add(prose::BRIEF);
    let losses = brief::losses(stored, benchmarks)?;
    if !losses.is_empty() {
        page.add("Where Pointsman does not win:");
        page.list(&losses);
    }

    page.add("## RouteLLM's MMLU");
    page.add(&prose::mmlu(pairs)?);
    page.add(&pair::mmlu_table(pairs)?);
    page.add(&prose::mmlu_bundles(pairs)?);
    page.add("### Subjects that training left out");
    page.add(&prose::held_subjects(pairs)?);
    page.add(&pair::router_table(pairs, HELD_SUBJECTS)?);
    page.add("### Benchmarks that were not trained on");
    page.add(prose::TRANSFER);
    for bundle in ["default", "accurate"] {
        page.add(&format!("`{bundle}`:"));
        page.add(&pair::transfer_table(pairs, bundle)?);
    }
    page.add("### Thresholds from a calibration");
    page.add(&prose::calibration(pairs)?);

    if !transfers.is_empty() {
        page.add("## Sources left out of training");
        page.add(prose::LEFT_OUT);
        for result in transfers {
            page.add(&format!("### {}", result.recipe));
            page.add(&prose::left_out(result));
            page.add(&transfer_tables::apgr(result).markdown());
            page.add("AUC of \"the weak LLM suffices\":");
            page.add(&transfer_tables::auc(result).markdown());
        }
    }
    if !sanities.is_empty() {
        page.add("## Decision sanity");
        page.add(prose::SANITY);
        page.add(&sanity_tables::checks(sanities).markdown());
        page.add(prose::LANGUAGES);
        page.add(&sanity_tables::languages(sanities).markdown());
    }
    let of_recipes = transfers.iter().flat_map(|result| named(&result.recipe, &result.needs));
    let of_bundles = sanities.iter().flat_map(|result| named(&result.bundle, &result.needs));
    let needs: Vec<NeedCorrelations> = of_recipes.chain(of_bundles).collect();
    if !needs.is_empty() {
        page.add("## Graded needs at fixed length");
        page.add(prose::NEEDS);
        page.add(&transfer_tables::needs(&needs).markdown());
    }

    page.add("## RouterDC's seven LLMs and five tests");
    page.add(prose::ROUTERDC);
    page.add(&pool::pool_table(pools, ROUTERDC)?);
    page.add(&prose::task_identification(pools)?);
    page.add(&prose::routerdc_losses(pools)?);

    page.add("## RouterBench: LLMs with costs");
    page.add(&prose::routerbench(pools)?);
    page.add(&pool::pool_table(pools, ROUTERBENCH)?);

    page.add("## LLMRouter's pool");
    page.add(&prose::llmrouter(pools)?);
    page.add(&pool::pool_table(pools, LLMROUTER)?);

    let Benchmarks { edge, gateway, page: visits } = benchmarks;
    page.add("## Text to decision, beside ONNX Runtime");
    page.add(&edge.section);
    page.add(&prose::measured_by("edge", &edge.run));
    page.add("## What the gateway adds");
    page.add(&gateway.section);
    page.add(&prose::measured_by("gateway", &gateway.run));
    page.add("## The demo page and the package in Chromium");
    page.add(&visits.section);
    page.add(&prose::measured_by("page", &visits.run));

    page.add("## Numbers without a stored file");
    page.add(prose::NOT_STORED);
    page.list(&prose::NOT_STORED_ITEMS);
    Ok(page.0)
}

/// Graded needs with the name of the recipe or bundle that rated them, by writer and language: kinds are too
/// many for the page.
fn named<'a>(
    router: &'a str,
    needs: &'a [NeedCorrelations],
) -> impl Iterator<Item = NeedCorrelations> + 'a {
    needs.iter().map(move |source| {
        let mut named = source.clone();
        named.source = format!("{router} on {}", source.source);
        named.parts.retain(|part| !part.part.starts_with("kind "));
        named
    })
}

/// Markdown, block after block with an empty line between.
struct Page(String);

impl Page {
    fn add(&mut self, block: &str) {
        self.0.push('\n');
        self.0.push_str(block.trim_end());
        self.0.push('\n');
    }

    fn list(&mut self, items: &[impl AsRef<str>]) {
        let items: Vec<String> = items.iter().map(|item| format!("- {}", item.as_ref())).collect();
        self.add(&items.join("\n"));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::eval::sanity::tests::example as example_of_sanity;
    use crate::eval::transfer::tests::example as example_of_transfer;
    use crate::report::table::assert_rows_match_headings;

    /// The results in the repository, with runs made up for the test.
    fn stored() -> (Stored, Benchmarks) {
        let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
        let runs = benchmarks::tests::stored();
        (read_results(&results).unwrap(), Benchmarks::read(runs.path()).unwrap())
    }

    #[test]
    fn the_page_has_every_section_and_whole_tables() {
        let (mut results, benchmarks) = stored();
        (results.transfers, results.sanities) = (Vec::new(), Vec::new());
        let text = page(&results, &benchmarks).unwrap();
        for section in [&benchmarks.edge.section, &benchmarks.gateway.section] {
            assert!(text.contains(section.as_str()), "{section}");
        }
        assert!(text.contains("](../bench/runs/2026-01-02-a/gateway.md)"));
        assert!(text.contains("| `ridge-static` 0.0835 | ONNX Runtime Web behind transformers.js' tokenizer 0.300 (ratio 3.90) |"));
        assert!(text.contains(
            "| `ridge-static` 1.59 | Portkey's open gateway, which does not decide, 1.82 |"
        ));
        assert!(text.contains("| 1.37 | onnxruntime-web 3.69 |"));
        let headings = text.lines().filter(|line| line.starts_with('#')).count();
        assert_eq!(headings, 13);
        assert_rows_match_headings(&text);
    }

    #[test]
    fn sources_left_out_and_sanity_have_sections_where_they_are_stored() {
        let (mut results, benchmarks) = stored();
        (results.transfers, results.sanities) =
            (vec![example_of_transfer()], vec![example_of_sanity()]);
        let text = page(&results, &benchmarks).unwrap();
        for expected in [
            "## Sources left out of training\n",
            "### made-up\n",
            "2 pairs of 2 sources; 1 source of 3 has none.",
            "## Decision sanity\n",
            "| pairs \\| of equal length | 13 of 14 |",
            "## Graded needs at fixed length\n",
            "| made-up on made-up needs | by writer | all | 60 | ",
        ] {
            assert!(text.contains(expected), "{expected}");
        }
        assert_rows_match_headings(&text.replace("\\|", ""));
        results.transfers.clear();
        results.sanities.clear();
        assert!(!page(&results, &benchmarks).unwrap().contains("Graded needs"));
    }

    #[test]
    fn a_number_that_is_not_stored_leaves_no_page() {
        let (mut results, benchmarks) = stored();
        results.pools.retain(|result| result.benchmark.name != LLMROUTER);
        let error = page(&results, &benchmarks).unwrap_err();
        assert_eq!(
            error.to_string().split(". ").next().unwrap(),
            "found no result on LLMRouter in the stored results, expected one"
        );
    }

    #[test]
    fn a_loss_is_stated_as_long_as_it_is_one() {
        let (mut results, mut benchmarks) = stored();
        let before = brief::losses(&results, &benchmarks).unwrap();
        assert_eq!(before.len(), 3, "{before:?}");
        assert!(before[0].contains(", RouterBench MBPP (0.606), "), "{before:?}");
        assert!(before[2].ends_with("it takes 2.99 ms where ours takes 4.58 ms."), "{before:?}");
        for result in &mut results.pairs {
            if let Some(interval) = &mut result.routers[0].metrics.apgr_interval {
                interval.low = 0.51;
            }
        }
        for result in results.pools.iter_mut().filter(|one| one.benchmark.name == ROUTERBENCH) {
            result.routers[0].metrics.mean = Some(0.9);
        }
        benchmarks.edge.report.make_native_faster();
        assert_eq!(brief::losses(&results, &benchmarks).unwrap(), Vec::<String>::new());
    }
}
