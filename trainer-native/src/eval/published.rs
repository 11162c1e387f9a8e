//! Published rows to stand beside ours. Numbers are copied from the publication named in each row,
//! never measured here.

use super::MetricRow;

/// Where RouteLLM's rows stand.
pub const ROUTELLM_SOURCE: &str = "RouteLLM, arXiv 2406.18665v4";

/// Rows of RouteLLM's MMLU evaluation after decontamination.
const ROUTELLM_MMLU_ROWS: usize = 14_037;

/// Accuracy of Mixtral-8x7B-Instruct and of gpt-4-1106-preview on them.
const ROUTELLM_MMLU_ENDS: (f64, f64) = (0.6809, 0.8059);

/// Router, training data, CPT(50) and CPT(80) in per cent, APGR: MMLU, 5-shot.
const ROUTELLM_MMLU: [(&str, &str, f64, f64, f64); 9] = [
    ("random", "", 50.07, 79.93, 0.500),
    ("BERT", "arena", 49.43, 77.80, 0.502),
    ("causal LLM", "arena", 48.88, 77.93, 0.499),
    ("MF", "arena", 45.00, 76.86, 0.524),
    ("SW ranking", "arena", 55.82, 80.25, 0.473),
    ("BERT", "arena + gold", 41.30, 72.20, 0.572),
    ("causal LLM", "arena + gold", 35.49, 70.31, 0.600),
    ("MF", "arena + gold", 35.46, 71.40, 0.597),
    ("SW ranking", "arena + gold", 35.40, 71.55, 0.603),
];

/// RouteLLM's MMLU table: Mixtral-8x7B-Instruct against gpt-4-1106-preview, 5-shot.
#[must_use]
pub fn routellm_mmlu() -> Vec<MetricRow> {
    let (weak, strong) = ROUTELLM_MMLU_ENDS;
    ROUTELLM_MMLU
        .iter()
        .map(|&(router, data, cpt50, cpt80, apgr)| MetricRow {
            router: if data.is_empty() { router.to_owned() } else { format!("{router}, {data}") },
            dataset: "RouteLLM MMLU".to_owned(),
            rows: ROUTELLM_MMLU_ROWS,
            removed_as_leaks: None,
            apgr: Some(apgr),
            cpt50: Some(cpt50 / 100.0),
            cpt80: Some(cpt80 / 100.0),
            strong_share: None,
            score: None,
            weak,
            strong,
            published: true,
            source: Some(ROUTELLM_SOURCE.to_owned()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_rows_say_so_and_name_their_source() {
        let rows = routellm_mmlu();
        assert_eq!(rows.len(), 9);
        assert!(rows.iter().all(|row| row.published && row.source.is_some()));
        // A better router needs fewer strong calls: a slip of the copying hand would show here.
        for row in &rows {
            let (Some(apgr), Some(cpt50), Some(cpt80)) = (row.apgr, row.cpt50, row.cpt80) else {
                continue;
            };
            assert!(cpt50 < cpt80 && cpt80 < 1.0 && (0.4..0.7).contains(&apgr), "{row:?}");
            assert_eq!(apgr > 0.55, cpt50 < 0.42, "{row:?}");
        }
    }
}
