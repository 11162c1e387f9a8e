//! The layouts that can be read, and whether each holds outcomes, preferences, labels or prompts.

/// A layout of outcomes, preferences, labels or prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// RouteLLM's MMLU evaluation: `mmlu_<subject>.csv`, a prompt and one True/False column a model.
    RouteLlmMmlu,
    /// RouteLLM's GSM8K evaluation: like its MMLU evaluation, with the models' answers in columns
    /// that end in `_response`.
    RouteLlmGsm8k,
    /// RouteLLM's MT-Bench evaluation: a folder of questions and of an LLM judge's scores, 1 to 10.
    RouteLlmMtBench,
    /// RouterDC: a JSON array of objects with `question`, `scores` and, in training files,
    /// `cluster_id`.
    RouterDc,
    /// RouterBench, CSV or parquet: `sample_id`, `prompt`, `eval_name`, a score and a cost in USD
    /// a model.
    RouterBench,
    /// RoRF: CSV with `Input` and one `<model>/score` column a model.
    Rorf,
    /// The project's own: one JSON object a line with `id`, `query`, `dataset`, `scores`.
    OutcomesJsonl,
    /// Per-sample logs of lm-evaluation-harness: `samples_<task>_<time>.jsonl`, a model's in a folder.
    LmEval,
    /// Logs of Inspect: `.eval` archives or JSON, one model a file.
    InspectAi,
    /// What `promptfoo eval --output` writes: JSON or JSONL.
    Promptfoo,
    /// Event logs of OpenAI evals: JSONL, one model a file.
    OpenaiEvals,
    /// Chatbot Arena battles, CSV or parquet, one `winner_*` column an outcome.
    Arena,
    /// RouteLLM's judged answers of the weak model: JSONL with `prompt` and `mixtral_score`.
    Gpt4Dataset,
    /// The project's own: one JSON object a line with `query`, `model_a`, `model_b`, `winner`.
    PreferencesJsonl,
    /// The project's own: one JSON object a line with `query`, `difficulty`, `scale`.
    DifficultyJsonl,
    /// The project's own: one JSON object a line with `query`, `need` in [0, 100].
    NeedJsonl,
    /// The project's own: one JSON object a line with `query`, `prompt` or `messages`.
    PromptsJsonl,
    /// A table with a column `query` or `prompt`, CSV or parquet.
    PromptsCsv,
    /// Plain text, a prompt a line.
    PromptsText,
    /// Conversations as ShareGPT writes them, JSON or JSONL with `conversations`.
    ShareGpt,
    /// `conversations.json` of ChatGPT's export.
    ChatGptExport,
    /// The gateway's decisions, logged with the queries' texts: JSON, one file each.
    Decisions,
    /// Langfuse's exports of traces or observations: JSON, JSONL or CSV.
    Langfuse,
    /// Spend logs of LiteLLM's proxy: JSON or JSONL.
    LiteLlm,
}

/// What the rows of a format are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Table {
    /// Queries with the scores of models: [`read`](super::read).
    Outcomes,
    /// Battles of two models a query: [`for_each_preference`](super::for_each_preference).
    Preferences,
    /// Queries with a number that says how hard each is: [`read_labels`](super::read_labels).
    Labels,
    /// Queries without a label: [`for_each_prompt`](super::for_each_prompt).
    Prompts,
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Table::Outcomes => "outcomes",
            Table::Preferences => "preferences",
            Table::Labels => "labels",
            Table::Prompts => "prompts",
        })
    }
}

impl Format {
    /// Every format, in the order in which help texts list them.
    pub const ALL: [Format; 24] = [
        Format::RouteLlmMmlu,
        Format::RouteLlmGsm8k,
        Format::RouteLlmMtBench,
        Format::RouterDc,
        Format::RouterBench,
        Format::Rorf,
        Format::OutcomesJsonl,
        Format::LmEval,
        Format::InspectAi,
        Format::Promptfoo,
        Format::OpenaiEvals,
        Format::Arena,
        Format::Gpt4Dataset,
        Format::PreferencesJsonl,
        Format::DifficultyJsonl,
        Format::NeedJsonl,
        Format::PromptsJsonl,
        Format::PromptsCsv,
        Format::PromptsText,
        Format::ShareGpt,
        Format::ChatGptExport,
        Format::Decisions,
        Format::Langfuse,
        Format::LiteLlm,
    ];

    /// The name used on the command line and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::RouteLlmMmlu => "routellm-mmlu",
            Format::RouteLlmGsm8k => "routellm-gsm8k",
            Format::RouteLlmMtBench => "routellm-mt-bench",
            Format::RouterDc => "routerdc",
            Format::RouterBench => "routerbench",
            Format::Rorf => "rorf",
            Format::OutcomesJsonl => "outcomes-jsonl",
            Format::LmEval => "lm-eval",
            Format::InspectAi => "inspect-ai",
            Format::Promptfoo => "promptfoo",
            Format::OpenaiEvals => "openai-evals",
            Format::Arena => "arena",
            Format::Gpt4Dataset => "gpt4-dataset",
            Format::PreferencesJsonl => "preferences-jsonl",
            Format::DifficultyJsonl => "difficulty-jsonl",
            Format::NeedJsonl => "need-jsonl",
            Format::PromptsJsonl => "prompts-jsonl",
            Format::PromptsCsv => "prompts-csv",
            Format::PromptsText => "prompts-text",
            Format::ShareGpt => "sharegpt",
            Format::ChatGptExport => "chatgpt-export",
            Format::Decisions => "decisions",
            Format::Langfuse => "langfuse",
            Format::LiteLlm => "litellm",
        }
    }

    /// Whether it holds outcomes, preferences, labels or prompts.
    #[must_use]
    pub fn table(self) -> Table {
        match self {
            Format::Arena | Format::Gpt4Dataset | Format::PreferencesJsonl => Table::Preferences,
            Format::DifficultyJsonl | Format::NeedJsonl => Table::Labels,
            Format::PromptsJsonl
            | Format::PromptsCsv
            | Format::PromptsText
            | Format::ShareGpt
            | Format::ChatGptExport
            | Format::Decisions
            | Format::Langfuse
            | Format::LiteLlm => Table::Prompts,
            Format::RouteLlmMmlu
            | Format::RouteLlmGsm8k
            | Format::RouteLlmMtBench
            | Format::RouterDc
            | Format::RouterBench
            | Format::Rorf
            | Format::OutcomesJsonl
            | Format::LmEval
            | Format::InspectAi
            | Format::Promptfoo
            | Format::OpenaiEvals => Table::Outcomes,
        }
    }

    /// Whether a folder of it may hold its files in further folders.
    pub(super) fn nests(self) -> bool {
        matches!(
            self,
            Format::LmEval
                | Format::InspectAi
                | Format::Promptfoo
                | Format::OpenaiEvals
                | Format::Decisions
        )
    }

    /// Whether a file of that name in a folder belongs to this format.
    pub(super) fn takes(self, file_name: &str) -> bool {
        let ends = |extension: &str| file_name.ends_with(extension);
        match self {
            Format::RouteLlmMmlu => file_name.starts_with("mmlu_") && ends(".csv"),
            Format::RouteLlmGsm8k | Format::Rorf => ends(".csv"),
            Format::RouterDc | Format::ChatGptExport | Format::Decisions => ends(".json"),
            Format::PromptsText => ends(".txt"),
            Format::RouterBench | Format::Arena | Format::PromptsCsv => {
                ends(".csv") || ends(".parquet")
            }
            Format::LmEval => file_name.starts_with("samples_") && ends(".jsonl"),
            Format::InspectAi => ends(".eval") || ends(".json"),
            Format::Promptfoo | Format::LiteLlm | Format::ShareGpt => {
                ends(".json") || ends(".jsonl")
            }
            Format::Langfuse => ends(".json") || ends(".jsonl") || ends(".csv"),
            Format::RouteLlmMtBench
            | Format::OpenaiEvals
            | Format::OutcomesJsonl
            | Format::Gpt4Dataset
            | Format::PreferencesJsonl
            | Format::DifficultyJsonl
            | Format::NeedJsonl
            | Format::PromptsJsonl => ends(".jsonl"),
        }
    }

    pub(super) fn files_expected(self) -> &'static str {
        match self {
            Format::RouteLlmMmlu => "mmlu_<subject>.csv",
            Format::RouteLlmGsm8k | Format::Rorf => "*.csv",
            Format::RouterDc | Format::ChatGptExport => "*.json",
            Format::PromptsText => "*.txt with --format prompts-text",
            Format::Decisions => "*.json of the gateway's decisions, in it or in its folders",
            Format::RouterBench | Format::Arena | Format::PromptsCsv => "*.csv or *.parquet",
            Format::LmEval => "samples_<task>_<time>.jsonl, in it or in its folders",
            Format::InspectAi => "*.eval or *.json of Inspect, in it or in its folders",
            Format::Promptfoo => "*.json or *.jsonl of promptfoo, in it or in its folders",
            Format::OpenaiEvals => "*.jsonl of OpenAI evals, in it or in its folders",
            Format::LiteLlm | Format::ShareGpt => "*.json or *.jsonl",
            Format::Langfuse => "*.json, *.jsonl or *.csv",
            Format::RouteLlmMtBench => "*.jsonl with the questions and *.jsonl with the judgements",
            Format::OutcomesJsonl
            | Format::Gpt4Dataset
            | Format::PreferencesJsonl
            | Format::DifficultyJsonl
            | Format::NeedJsonl
            | Format::PromptsJsonl => "*.jsonl",
        }
    }
}

impl serde::Serialize for Format {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
