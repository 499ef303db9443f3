//! The calls about items: PutItem, GetItem, Query.
//!
//! Not simulated, and refused by name: conditions, filters, projections, indexes and the parameters that these replaced.
//! Capacity units are counted, not enforced: docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html

use super::Context;
use super::fault::Fault;
use super::input::{Input, text_of};
use super::key_condition::{KeyConditions, Placeholders, Test, mismatch, parse};
use super::table::{PrimaryKey, Table};
use super::tables::{Tables, table_name};
use super::value::{AttributeValue, ITEM_BYTES_MAX, Item, Scalar, item_json, item_size_bytes, read_item};
use serde_json::{Map, Value, json};

/// Bytes that one page of a Query reads at most.
const PAGE_BYTES_MAX: usize = 1024 * 1024;
/// Bytes that one read unit reads.
const READ_UNIT_BYTES: usize = 4 * 1024;
/// Bytes that one write unit writes.
const WRITE_UNIT_BYTES: usize = 1024;

/// PutItem.
pub(super) fn put(
    members: &Map<String, Value>,
    tables: &mut Tables,
    context: &mut Context<'_>,
) -> Result<Value, Fault> {
    let mut input = Input::new(members);
    let name = table_name(&input, context)?;
    let return_values = input.text("ReturnValues")?;
    input.one_of(return_values, "returnValues", &["ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"]);
    let capacity = capacity_wanted(&mut input)?;
    let Some(fields) = input.object("Item")? else {
        input.absent("item");
        return Err(input.check().err().unwrap_or(Fault::UnknownOperation));
    };
    input.check()?;
    input.refuse(
        "PutItem",
        &[
            "Expected",
            "ConditionalOperator",
            "ConditionExpression",
            "ExpressionAttributeNames",
            "ExpressionAttributeValues",
            "ReturnValuesOnConditionCheckFailure",
        ],
    )?;
    if input.text("ReturnItemCollectionMetrics")?.is_some_and(|wanted| wanted != "NONE") {
        return Err(Fault::unsupported("ReturnItemCollectionMetrics"));
    }
    let wants_old = match return_values {
        None | Some("NONE") => false,
        Some("ALL_OLD") => true,
        Some(_) => return Err(Fault::validation("ReturnValues can only be ALL_OLD or NONE")),
    };
    let item = read_item(fields)?;
    let size = item_size_bytes(&item);
    if size > ITEM_BYTES_MAX {
        return Err(Fault::validation("Item size has exceeded the maximum allowed size"));
    }
    let table = tables.active(&name, context.now)?;
    let key = table.key_of(&item)?;
    let before = table.put(key, item);
    let mut output = Map::new();
    // What is replaced costs as much as what replaces it, if it is larger.
    let size = before.as_ref().map_or(size, |before| size.max(item_size_bytes(before)));
    if let Some(before) = before.filter(|_| wants_old) {
        output.insert("Attributes".to_owned(), item_json(&before));
    }
    let units = size.div_ceil(WRITE_UNIT_BYTES).max(1) as f64;
    report_capacity(&mut output, capacity, &name, units);
    Ok(Value::Object(output))
}

/// GetItem.
pub(super) fn get(
    members: &Map<String, Value>,
    tables: &mut Tables,
    context: &mut Context<'_>,
) -> Result<Value, Fault> {
    let mut input = Input::new(members);
    let name = table_name(&input, context)?;
    let capacity = capacity_wanted(&mut input)?;
    let consistent = input.boolean("ConsistentRead")?.unwrap_or(false);
    let Some(fields) = input.object("Key")? else {
        input.absent("key");
        return Err(input.check().err().unwrap_or(Fault::UnknownOperation));
    };
    input.check()?;
    input.refuse("GetItem", &["AttributesToGet", "ProjectionExpression", "ExpressionAttributeNames"])?;
    let key = read_item(fields)?;
    let table = tables.active(&name, context.now)?;
    let found = table.get(&table.key_from(&key)?);
    let mut output = Map::new();
    if let Some(item) = found {
        output.insert("Item".to_owned(), item_json(item));
    }
    report_capacity(&mut output, capacity, &name, read_units(found.map_or(0, item_size_bytes), consistent));
    Ok(Value::Object(output))
}

/// Query.
pub(super) fn query(
    members: &Map<String, Value>,
    tables: &mut Tables,
    context: &mut Context<'_>,
) -> Result<Value, Fault> {
    let mut input = Input::new(members);
    let name = table_name(&input, context)?;
    let capacity = capacity_wanted(&mut input)?;
    let limit = input.integer("Limit")?;
    input.at_least_one(limit, "limit");
    let select = input.text("Select")?;
    let selections = ["SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"];
    input.one_of(select, "select", &selections);
    input.check()?;
    input.refuse(
        "Query",
        &[
            "IndexName",
            "AttributesToGet",
            "KeyConditions",
            "QueryFilter",
            "ConditionalOperator",
            "ProjectionExpression",
            "FilterExpression",
        ],
    )?;
    let only_count = match select {
        None | Some("ALL_ATTRIBUTES") => false,
        Some("COUNT") => true,
        Some(_) => return Err(Fault::unsupported("a Select other than ALL_ATTRIBUTES and COUNT")),
    };
    let consistent = input.boolean("ConsistentRead")?.unwrap_or(false);
    let forward = input.boolean("ScanIndexForward")?.unwrap_or(true);
    let placeholders = placeholders(&input)?;
    let Some(expression) = input.text("KeyConditionExpression")? else {
        return Err(Fault::validation(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
        ));
    };
    let start = input.object("ExclusiveStartKey")?.map(read_item).transpose()?;
    let conditions = parse(expression, &placeholders)?;
    let table = tables.active(&name, context.now)?;
    let (hash, range_test) = resolve(table, conditions)?;
    let start = start.map(|start| start_key(table, &start, &hash)).transpose()?;

    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let mut page = Page { items: Vec::new(), size_bytes: 0, last: None, is_cut: false };
    if forward {
        page.fill(table.partition(&hash), range_test.as_ref(), limit, |range| {
            start.as_ref().is_none_or(|start| *range > start.1)
        });
    } else {
        page.fill(table.partition(&hash).rev(), range_test.as_ref(), limit, |range| {
            start.as_ref().is_none_or(|start| *range < start.1)
        });
    }
    let count = page.items.len();
    let mut output = Map::new();
    output.insert("Count".to_owned(), json!(count));
    if !only_count {
        output.insert("Items".to_owned(), page.items.iter().map(|item| item_json(item)).collect());
    }
    if let Some(last) = page.last.filter(|_| page.is_cut) {
        output.insert("LastEvaluatedKey".to_owned(), table.key_json(&(hash, last.clone())));
    }
    output.insert("ScannedCount".to_owned(), json!(count));
    let units = read_units(page.size_bytes, consistent);
    report_capacity(&mut output, capacity, &name, units);
    Ok(Value::Object(output))
}

/// One page of a Query.
struct Page<'t> {
    items: Vec<&'t Item>,
    size_bytes: usize,
    last: Option<&'t Option<Scalar>>,
    /// It ended before the items did. With a limit it always does when the limit is reached: whether more follow is not looked at.
    is_cut: bool,
}

impl<'t> Page<'t> {
    fn fill(
        &mut self,
        items: impl Iterator<Item = (&'t Option<Scalar>, &'t Item)>,
        test: Option<&Test>,
        limit: usize,
        is_after_start: impl Fn(&Option<Scalar>) -> bool,
    ) {
        let passes = |range: &Option<Scalar>| match (test, range) {
            (Some(test), Some(range)) => test.passes(range),
            _ => true,
        };
        for (range, item) in items.filter(|(range, _)| is_after_start(range) && passes(range)) {
            let size = item_size_bytes(item);
            // The first item always fits: items are smaller than pages.
            if self.size_bytes + size > PAGE_BYTES_MAX {
                self.is_cut = true;
                return;
            }
            self.size_bytes += size;
            self.items.push(item);
            self.last = Some(range);
            if self.items.len() >= limit {
                self.is_cut = true;
                return;
            }
        }
    }
}

/// The partition that the conditions name, and what its sort keys must be.
fn resolve(table: &Table, mut conditions: KeyConditions) -> Result<(Scalar, Option<Test>), Fault> {
    let missed = |name: &str| Fault::validation(format!("Query condition missed key schema element: {name}"));
    let hash = conditions.remove(&table.hash.name).ok_or_else(|| missed(&table.hash.name))?;
    let Test::Equal(hash) = hash else { return Err(Fault::validation("Query key condition not supported")) };
    if hash.kind() != table.hash.kind {
        return Err(mismatch());
    }
    let range = table.range.as_ref().and_then(|range| conditions.remove(&range.name));
    match (&table.range, conditions.is_empty()) {
        (_, true) => {}
        (Some(range_key), false) if range.is_none() => return Err(missed(&range_key.name)),
        (_, false) => return Err(Fault::validation("Query key condition not supported")),
    }
    if let (Some(test), Some(key)) = (&range, &table.range)
        && test.operands().iter().any(|operand| operand.kind() != key.kind)
    {
        return Err(mismatch());
    }
    Ok((hash, range))
}

fn start_key(table: &Table, start: &Item, hash: &Scalar) -> Result<PrimaryKey, Fault> {
    let invalid = |_| Fault::validation("The provided starting key is invalid");
    let key = table.key_from(start).map_err(invalid)?;
    if key.0 != *hash {
        return Err(Fault::validation(
            "The provided starting key is outside query boundaries based on provided conditions",
        ));
    }
    Ok(key)
}

fn placeholders(input: &Input<'_>) -> Result<Placeholders, Fault> {
    let mut placeholders = Placeholders::default();
    for (member, sign) in [("ExpressionAttributeNames", '#'), ("ExpressionAttributeValues", ':')] {
        let Some(fields) = input.object(member)? else { continue };
        if fields.is_empty() {
            return Err(Fault::validation(format!("{member} must not be empty")));
        }
        for (key, value) in fields {
            let rest = key.strip_prefix(sign);
            if !rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_alphanumeric() || c == '_')) {
                return Err(Fault::validation(format!("{member} contains invalid key: Syntax error; key: \"{key}\"")));
            }
            if sign == '#' {
                placeholders.names.insert(key.clone(), text_of(value)?.to_owned());
            } else {
                let value = AttributeValue::read(value).map_err(|fault| match fault {
                    Fault::Validation { message } => {
                        Fault::validation(format!("{member} contains invalid value: {message} for key {key}"))
                    }
                    other => other,
                })?;
                placeholders.values.insert(key.clone(), value);
            }
        }
    }
    Ok(placeholders)
}

/// Half a unit for 4 KiB, a whole one if the read is strongly consistent; what is not there costs as if it were small.
fn read_units(size_bytes: usize, consistent: bool) -> f64 {
    let units = size_bytes.div_ceil(READ_UNIT_BYTES).max(1) as f64;
    if consistent { units } else { units / 2.0 }
}

/// How much of the capacity a call wants to be told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CapacityReport {
    None,
    Total,
    Indexes,
}

fn capacity_wanted(input: &mut Input<'_>) -> Result<CapacityReport, Fault> {
    let wanted = input.text("ReturnConsumedCapacity")?;
    input.one_of(wanted, "returnConsumedCapacity", &["INDEXES", "TOTAL", "NONE"]);
    Ok(match wanted {
        Some("TOTAL") => CapacityReport::Total,
        Some("INDEXES") => CapacityReport::Indexes,
        _ => CapacityReport::None,
    })
}

fn report_capacity(output: &mut Map<String, Value>, wanted: CapacityReport, table: &str, units: f64) {
    if wanted == CapacityReport::None {
        return;
    }
    let mut report = json!({"CapacityUnits": units, "TableName": table});
    if wanted == CapacityReport::Indexes {
        report["Table"] = json!({"CapacityUnits": units});
    }
    output.insert("ConsumedCapacity".to_owned(), report);
}
