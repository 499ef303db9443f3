//! How the CLI pages: it calls until no token comes back, joins the result lists, and prints one document.
//!
//! `--max-items` cuts the joined list and prints a `NextToken` of the CLI's own (base64 of JSON: the service's token, and how
//! many items of its page were already printed), which `--starting-token` takes back. Source: AWS CLI user guide, "Pagination"; botocore's
//! `PageIterator`, with which `tests/api_botocore.rs` compares tokens.

use super::grammar::Invocation;
use crate::api::model::Paginator;
use crate::api::{base64, json};
use serde_json::{Map, Value};

/// Most pages one command fetches.
pub const PAGES_MAX: usize = 10_000;

/// The paging options of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Does the CLI page by itself? False with `--no-paginate`, with paging by hand, and for operations without pages.
    pub enabled: bool,
    /// `--starting-token`.
    pub starting_token: Option<String>,
    /// `--page-size`: items per call.
    pub page_size: Option<i64>,
    /// `--max-items`: items printed.
    pub max_items: Option<i64>,
}

/// What comes after an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Another page: call again with the pager's new parameters.
    Page,
    /// Everything: the document to print.
    Done(Value),
    /// The service pages in circles, or without end: the CLI's complaint.
    Failed(String),
}

/// The state of one command's paging.
#[derive(Clone, Debug)]
pub struct Pager {
    paginator: Option<&'static Paginator>,
    parameters: Value,
    max_items: Option<usize>,
    /// How many items of the first page an earlier command already printed.
    skip: usize,
    token: Option<Value>,
    joined: Map<String, Value>,
    /// The result members of each page, cut as the joined ones are. The first also has those that are not joined.
    shown: Vec<Value>,
    /// The CLI's own token, once `--max-items` has cut.
    resume: Option<String>,
    items: usize,
    pages: usize,
    started_from_token: bool,
}

impl Pager {
    /// The paging of `invocation`.
    pub fn new(invocation: &Invocation) -> Pager {
        let settings = &invocation.paging;
        let paginators = &invocation.service.model().paginators;
        let paginator = paginators.get(invocation.operation).filter(|_| settings.enabled);
        let mut pager = Pager {
            paginator,
            parameters: invocation.parameters.clone(),
            max_items: settings.max_items.map(|items| usize::try_from(items).unwrap_or(0)),
            skip: 0,
            token: None,
            joined: Map::new(),
            shown: Vec::new(),
            resume: None,
            items: 0,
            pages: 0,
            started_from_token: settings.starting_token.is_some(),
        };
        if let Some(paginator) = paginator {
            if let Some(token) = &settings.starting_token {
                let (token, skip) = read_token(paginator, token);
                pager.skip = skip;
                pager.continue_from(paginator, token);
            }
            if let (Some(key), Some(size)) = (&paginator.limit_key, settings.page_size) {
                pager.set(key, Some(size.into()));
            }
        }
        pager
    }

    /// The parameters of the call to make now.
    pub fn parameters(&self) -> &Value {
        &self.parameters
    }

    /// Does the CLI page by itself?
    pub fn is_paged(&self) -> bool {
        self.paginator.is_some()
    }

    /// What each page holds, and the token that `--max-items` left: after [`Next::Done`].
    pub fn pages(&self) -> (&[Value], Option<&str>) {
        (&self.shown, self.resume.as_deref())
    }

    /// Takes an answer in.
    pub fn answer(&mut self, mut answer: Value) -> Next {
        let Some(paginator) = self.paginator else { return Next::Done(answer) };
        self.pages += 1;
        let token = answer.get(&paginator.output_token).filter(|token| *token != "" && !token.is_null()).cloned();
        // Deserialisation refuses paginators without result keys; a test checks them all.
        let Some(primary) = paginator.result_keys.first() else { return Next::Done(answer) };
        if self.pages == 1 && self.started_from_token {
            self.skip_printed(paginator, &mut answer);
        }
        let count = answer.get(primary).and_then(Value::as_array).map_or(0, Vec::len);
        let excess = self.max_items.map_or(0, |most| (self.items + count).saturating_sub(most));
        if excess > 0 {
            let kept = count - excess;
            if let Some(Value::Array(items)) = answer.get_mut(primary) {
                items.truncate(kept);
            }
            let printed = kept + if self.pages == 1 { self.skip } else { 0 };
            self.join(paginator, answer);
            return self.done(Some(write_token(paginator, self.token.as_ref(), Some(printed))));
        }
        self.join(paginator, answer);
        self.items += count;
        match token {
            None => self.done(None),
            Some(token) if self.max_items == Some(self.items) => {
                self.done(Some(write_token(paginator, Some(&token), None)))
            }
            Some(token) if self.token.as_ref() == Some(&token) => {
                let shown = format!("{{'{}': '{}'}}", paginator.input_token, token.as_str().unwrap_or_default());
                Next::Failed(format!("Error during pagination: The same next token was received twice: {shown}"))
            }
            Some(_) if self.pages == PAGES_MAX => {
                Next::Failed(format!("Error during pagination: vpcsim stops after {PAGES_MAX} pages"))
            }
            Some(token) => {
                self.continue_from(paginator, Some(token));
                Next::Page
            }
        }
    }

    fn done(&mut self, resume: Option<String>) -> Next {
        let mut document = std::mem::take(&mut self.joined);
        // What is not joined comes last, as null where the first page has none.
        for key in self.paginator.map_or(&[][..], |paginator| &paginator.non_aggregate_keys) {
            let value = self.shown.first().and_then(|page| page.get(key)).cloned().unwrap_or_default();
            document.insert(key.clone(), value);
        }
        if let Some(token) = resume {
            document.insert("NextToken".to_owned(), token.clone().into());
            self.resume = Some(token);
        }
        Next::Done(Value::Object(document))
    }

    fn continue_from(&mut self, paginator: &Paginator, token: Option<Value>) {
        self.set(&paginator.input_token, token.clone());
        self.token = token;
    }

    fn set(&mut self, key: &str, value: Option<Value>) {
        if let Some(fields) = self.parameters.as_object_mut() {
            match value {
                Some(value) => drop(fields.insert(key.to_owned(), value)),
                None => drop(fields.shift_remove(key)),
            }
        }
    }

    /// Of the first page after a `--starting-token`, drops what was printed before; secondary lists were printed whole.
    fn skip_printed(&self, paginator: &Paginator, answer: &mut Value) {
        for (index, key) in paginator.result_keys.iter().enumerate() {
            match answer.get_mut(key) {
                Some(Value::Array(items)) => {
                    let printed = if index == 0 { self.skip.min(items.len()) } else { items.len() };
                    items.drain(..printed);
                }
                Some(count @ Value::Number(_)) => *count = 0.into(),
                _ => {}
            }
        }
    }

    fn join(&mut self, paginator: &Paginator, mut answer: Value) {
        let mut page = Map::new();
        if self.shown.is_empty() {
            for key in &paginator.non_aggregate_keys {
                page.insert(key.clone(), answer.get(key).cloned().unwrap_or_default());
            }
        }
        for key in &paginator.result_keys {
            page.insert(key.clone(), answer.get(key).cloned().unwrap_or_default());
        }
        self.shown.push(Value::Object(page));
        for key in &paginator.result_keys {
            match (self.joined.get_mut(key), answer.get_mut(key).map(Value::take)) {
                (Some(Value::Array(all)), Some(Value::Array(mut more))) => all.append(&mut more),
                (Some(Value::Number(sum)), Some(Value::Number(more))) => {
                    if let Some(total) = sum.as_i64().zip(more.as_i64()).and_then(|(sum, more)| sum.checked_add(more)) {
                        *sum = total.into();
                    }
                }
                (None, Some(value)) => drop(self.joined.insert(key.clone(), value)),
                _ => {}
            }
        }
    }
}

const TRUNCATED: &str = "boto_truncate_amount";

/// The CLI's own token: JSON in base64.
fn write_token(paginator: &Paginator, token: Option<&Value>, printed: Option<usize>) -> String {
    let mut fields = Map::new();
    fields.insert(paginator.input_token.clone(), token.cloned().unwrap_or(Value::Null));
    fields.extend(printed.map(|printed| (TRUNCATED.to_owned(), printed.into())));
    base64::encode(json::python_dumps(&Value::Object(fields)).as_bytes())
}

/// The service's token and the number of items to skip. What is not the CLI's own token is taken for the service's.
fn read_token(paginator: &Paginator, text: &str) -> (Option<Value>, usize) {
    let own = base64::decode(text).and_then(|bytes| serde_json::from_slice::<Map<String, Value>>(&bytes).ok());
    match own {
        Some(fields) => {
            let token = fields.get(&paginator.input_token).filter(|token| !token.is_null()).cloned();
            let skip = fields.get(TRUNCATED).and_then(Value::as_u64).and_then(|skip| usize::try_from(skip).ok());
            (token, skip.unwrap_or(0))
        }
        None => (Some(text.into()), 0),
    }
}

#[cfg(test)]
mod tests {
    use super::super::grammar::parse;
    use super::*;
    use serde_json::json;

    fn page(items: &[i32], token: Option<&str>) -> Value {
        let vpcs: Vec<Value> = items.iter().map(|i| json!({"VpcId": format!("vpc-{i}")})).collect();
        match token {
            Some(token) => json!({"Vpcs": vpcs, "NextToken": token}),
            None => json!({"Vpcs": vpcs}),
        }
    }

    #[test]
    fn pages_are_joined() {
        let mut pager = Pager::new(&parse("aws ec2 describe-vpcs --page-size 5").unwrap());
        assert_eq!(pager.parameters(), &json!({"MaxResults": 5}));
        assert_eq!(pager.answer(page(&[1, 2], Some("t"))), Next::Page);
        assert_eq!(pager.parameters(), &json!({"MaxResults": 5, "NextToken": "t"}));
        assert_eq!(pager.answer(page(&[3], None)), Next::Done(page(&[1, 2, 3], None)));
    }

    #[test]
    fn max_items_cuts_and_the_token_resumes() {
        let mut pager = Pager::new(&parse("aws ec2 describe-vpcs --max-items 2").unwrap());
        let Next::Done(first) = pager.answer(page(&[1, 2, 3], None)) else { panic!() };
        assert_eq!(first["Vpcs"].as_array().unwrap().len(), 2);
        let token = first["NextToken"].as_str().unwrap();
        assert_eq!(base64::decode(token).unwrap(), br#"{"NextToken": null, "boto_truncate_amount": 2}"#);
        let resumed = parse(&format!("aws ec2 describe-vpcs --max-items 2 --starting-token {token}")).unwrap();
        let mut pager = Pager::new(&resumed);
        assert_eq!(pager.parameters(), &json!({}));
        assert_eq!(pager.answer(page(&[1, 2, 3], None)), Next::Done(page(&[3], None)));
    }

    #[test]
    fn a_cut_on_a_page_boundary_hands_out_the_services_token() {
        let mut pager = Pager::new(&parse("aws ec2 describe-vpcs --max-items 2").unwrap());
        let Next::Done(first) = pager.answer(page(&[1, 2], Some("té"))) else { panic!() };
        let token = first["NextToken"].as_str().unwrap();
        assert_eq!(base64::decode(token).unwrap(), br#"{"NextToken": "t\u00e9"}"#);
        let resumed = parse(&format!("aws ec2 describe-vpcs --starting-token {token}")).unwrap();
        assert_eq!(Pager::new(&resumed).parameters(), &json!({"NextToken": "té"}));
    }

    #[test]
    fn without_paging_the_answer_is_printed_as_it_is() {
        let mut pager = Pager::new(&parse("aws ec2 describe-vpcs --no-paginate").unwrap());
        assert_eq!(pager.answer(page(&[1], Some("t"))), Next::Done(page(&[1], Some("t"))));
        let mut pager = Pager::new(&parse("aws ec2 describe-vpcs --max-results 5").unwrap());
        assert_eq!(pager.parameters(), &json!({"MaxResults": 5}));
        assert_eq!(pager.answer(page(&[1], Some("t"))), Next::Done(page(&[1], Some("t"))));
    }

    #[test]
    fn circles_and_endless_pages_end() {
        let mut pager = Pager::new(&parse("aws ec2 describe-vpcs").unwrap());
        assert_eq!(pager.answer(page(&[1], Some("t"))), Next::Page);
        let Next::Failed(complaint) = pager.answer(page(&[1], Some("t"))) else { panic!() };
        assert!(complaint.ends_with("received twice: {'NextToken': 't'}"), "{complaint}");
        let mut pager = Pager::new(&parse("aws ec2 describe-vpcs").unwrap());
        let ends = (0..PAGES_MAX).map(|i| pager.answer(page(&[], Some(&i.to_string())))).last().unwrap();
        assert!(matches!(ends, Next::Failed(complaint) if complaint.contains("10000 pages")));
    }
}
