//! The tables of one account in one Region, and the calls about tables.
//!
//! A table is `CREATING` and `DELETING` for [`Tables::settling_time`] each. Limits: 2,500 tables in a Region, names of 3 to 255
//! characters (docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html).
//! Not simulated, and refused by name: indexes, streams, encryption settings, table classes, replicas.

use super::Context;
use super::fault::Fault;
use super::input::{Input, object_of};
use super::table::{Billing, KeyAttribute, Table};
use super::value::ScalarType;
use crate::time::{SimDuration, SimTime};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::ops::Bound;

/// The shortest table name (API_CreateTable).
pub const NAME_LENGTH_MIN: usize = 3;
/// The longest table name (API_CreateTable).
pub const NAME_LENGTH_MAX: usize = 255;
/// Tables of an account in a Region, unless AWS raises it.
pub const TABLES_MAX: usize = 2_500;
const TABLE_NAME_PATTERN: &str = "[a-zA-Z0-9_.-]+";
const LIST_TABLES_LIMIT_MAX: i64 = 100;
/// The partition key of tables that a scenario names.
const DECLARED_KEY: &str = "pk";

/// Why a text is not a table's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{name}\" is not a table name: expected {NAME_LENGTH_MIN} to {NAME_LENGTH_MAX} letters, digits, \"_\", \".\" or \"-\""
)]
pub struct TableNameError {
    /// What was given.
    pub name: String,
}

/// Tables by name, in the order ListTables gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// How long a new table is `CREATING`, and one that is being deleted `DELETING`.
    pub settling_time: SimDuration,
    tables: BTreeMap<String, Table>,
}

impl Tables {
    /// No tables; new ones are active at once.
    pub fn new() -> Tables {
        Tables::default()
    }

    /// Adds an active table with the partition key `pk` (a text), paid per request; adding it twice changes nothing.
    ///
    /// # Errors
    /// The name cannot be a table's.
    pub fn insert(&mut self, name: &str) -> Result<(), TableNameError> {
        if !has_name_characters(name) || !(NAME_LENGTH_MIN..=NAME_LENGTH_MAX).contains(&name.len()) {
            return Err(TableNameError { name: name.to_owned() });
        }
        // Not drawn: declaring a table moves no other random number.
        let id = format!("00000000-0000-4000-8000-{:012x}", crc32fast::hash(name.as_bytes()));
        let hash = KeyAttribute { name: DECLARED_KEY.to_owned(), kind: ScalarType::Text };
        let table = Table::new(id, hash, None, Billing::PayPerRequest, SimTime::ZERO);
        self.tables.entry(name.to_owned()).or_insert(table);
        Ok(())
    }

    /// At most `limit` names that come after `after`, and whether more follow.
    pub fn page(&self, after: Option<&str>, limit: usize) -> (Vec<&str>, bool) {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut names = self.tables.range::<str, _>((start, Bound::Unbounded)).map(|(name, _)| name.as_str());
        let page = names.by_ref().take(limit).collect();
        (page, names.next().is_some())
    }

    /// Takes the tables away whose deletion is over.
    pub(super) fn settle(&mut self, now: SimTime) {
        self.tables.retain(|_, table| table.gone_at.is_none_or(|gone_at| now < gone_at));
    }

    /// The table that items are read from and written to.
    pub(super) fn active(&mut self, name: &str, now: SimTime) -> Result<&mut Table, Fault> {
        let found = self.tables.get_mut(name).filter(|table| table.status(now) == "ACTIVE");
        found.ok_or_else(|| Fault::not_found("Requested resource not found"))
    }
}

/// Whether `name` has characters, and only those a table's name may have.
fn has_name_characters(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// The table a call is about: its name, or its ARN in this account and Region.
pub(super) fn table_name(input: &Input<'_>, context: &Context<'_>) -> Result<String, Fault> {
    let Some(given) = input.text("TableName")? else {
        return Err(Fault::validation("The parameter 'TableName' is required but was not present in the request"));
    };
    let prefix = context.table_arn("");
    let name = given.strip_prefix(&prefix).unwrap_or(given);
    if !(NAME_LENGTH_MIN..=NAME_LENGTH_MAX).contains(&name.len()) {
        return Err(Fault::validation(format!(
            "TableName must be at least {NAME_LENGTH_MIN} characters long and at most {NAME_LENGTH_MAX} characters long"
        )));
    }
    if !has_name_characters(name) {
        let mut input = Input::new(EMPTY.get_or_init(Map::new));
        input.violated(given, "tableName", format!("satisfy regular expression pattern: {TABLE_NAME_PATTERN}"));
        input.check()?;
    }
    Ok(name.to_owned())
}

static EMPTY: std::sync::OnceLock<Map<String, Value>> = std::sync::OnceLock::new();

/// ListTables.
pub(super) fn list(
    members: &Map<String, Value>,
    tables: &mut Tables,
    _context: &mut Context<'_>,
) -> Result<Value, Fault> {
    let mut input = Input::new(members);
    let limit = input.integer("Limit")?;
    let after = input.text("ExclusiveStartTableName")?;
    input.at_least_one(limit, "limit");
    if let Some(limit) = limit.filter(|limit| *limit > LIST_TABLES_LIMIT_MAX) {
        input.violated(limit, "limit", format!("have value less than or equal to {LIST_TABLES_LIMIT_MAX}"));
    }
    if let Some(after) = after {
        let member = "exclusiveStartTableName";
        if !has_name_characters(after) {
            input.violated(after, member, format!("satisfy regular expression pattern: {TABLE_NAME_PATTERN}"));
        }
        if after.len() < NAME_LENGTH_MIN {
            input.violated(after, member, format!("have length greater than or equal to {NAME_LENGTH_MIN}"));
        }
        if after.len() > NAME_LENGTH_MAX {
            input.violated(after, member, format!("have length less than or equal to {NAME_LENGTH_MAX}"));
        }
    }
    input.check()?;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(LIST_TABLES_LIMIT_MAX as usize);
    let (names, more) = tables.page(after, limit);
    let mut output = Map::new();
    if let Some(last) = names.last().filter(|_| more) {
        output.insert("LastEvaluatedTableName".to_owned(), json!(last));
    }
    output.insert("TableNames".to_owned(), json!(names));
    Ok(Value::Object(output))
}

/// CreateTable.
pub(super) fn create(
    members: &Map<String, Value>,
    tables: &mut Tables,
    context: &mut Context<'_>,
) -> Result<Value, Fault> {
    let mut input = Input::new(members);
    let name = table_name(&input, context)?;
    input.one_of(input.text("BillingMode")?, "billingMode", &["PROVISIONED", "PAY_PER_REQUEST"]);
    if input.get("AttributeDefinitions").is_none() {
        input.absent("attributeDefinitions");
    }
    if input.get("KeySchema").is_none() {
        input.absent("keySchema");
    }
    let definitions = definitions(&mut input)?;
    let schema = key_schema(&mut input)?;
    input.check()?;
    input.refuse(
        "CreateTable",
        &[
            "LocalSecondaryIndexes",
            "GlobalSecondaryIndexes",
            "StreamSpecification",
            "SSESpecification",
            "Tags",
            "TableClass",
            "WarmThroughput",
            "ResourcePolicy",
            "OnDemandThroughput",
            "GlobalTableSourceArn",
            "GlobalTableSettingsReplicationMode",
        ],
    )?;
    let billing = billing(&input)?;
    let (hash, range) = keys(&definitions, &schema)?;
    if tables.tables.contains_key(&name) {
        return Err(Fault::in_use(format!("Table already exists: {name}")));
    }
    if tables.tables.len() >= TABLES_MAX {
        // Unverified wording.
        return Err(Fault::Exception {
            kind: "LimitExceededException",
            message: format!("Subscriber limit exceeded: Only {TABLES_MAX} tables are allowed in a Region"),
        });
    }
    let mut table = Table::new(context.request_ids.uuid(), hash, range, billing, context.now);
    table.deletion_protected = input.boolean("DeletionProtectionEnabled")?.unwrap_or(false);
    table.active_from = context.now + tables.settling_time;
    // AWS answers before the table is ready, however fast that is.
    let mut description = describe_table(&name, &table, context);
    description["TableStatus"] = json!("CREATING");
    tables.tables.insert(name, table);
    Ok(json!({"TableDescription": description}))
}

/// DescribeTable.
pub(super) fn describe(
    members: &Map<String, Value>,
    tables: &mut Tables,
    context: &mut Context<'_>,
) -> Result<Value, Fault> {
    let name = table_name(&Input::new(members), context)?;
    let table = tables.tables.get(&name).ok_or_else(|| no_such_table(&name))?;
    Ok(json!({"Table": describe_table(&name, table, context)}))
}

/// DeleteTable.
pub(super) fn delete(
    members: &Map<String, Value>,
    tables: &mut Tables,
    context: &mut Context<'_>,
) -> Result<Value, Fault> {
    let name = table_name(&Input::new(members), context)?;
    let gone_at = context.now + tables.settling_time;
    let table = tables.tables.get_mut(&name).ok_or_else(|| no_such_table(&name))?;
    let doing = match table.status(context.now) {
        "CREATING" => Some("created"),
        "DELETING" => Some("deleted"),
        _ => None,
    };
    if let Some(doing) = doing {
        return Err(Fault::in_use(format!(
            "Attempt to change a resource which is still in use: Table is being {doing}: {name}"
        )));
    }
    if table.deletion_protected {
        return Err(Fault::validation(
            "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.",
        ));
    }
    table.gone_at = Some(gone_at);
    // What is being deleted has no schema any more in the answer.
    let throughput = throughput(table);
    let description = json!({
        "TableName": name,
        "TableStatus": "DELETING",
        "ProvisionedThroughput": throughput,
        "TableSizeBytes": table.size_bytes(),
        "ItemCount": table.item_count(),
        "TableArn": context.table_arn(&name),
        "TableId": table.id,
        "DeletionProtectionEnabled": false,
    });
    tables.settle(context.now);
    Ok(json!({"TableDescription": description}))
}

fn no_such_table(name: &str) -> Fault {
    Fault::not_found(format!("Requested resource not found: Table: {name} not found"))
}

fn throughput(table: &Table) -> Value {
    let (read, write) = match table.billing {
        Billing::PayPerRequest => (0, 0),
        Billing::Provisioned { read, write } => (read, write),
    };
    json!({"NumberOfDecreasesToday": 0, "ReadCapacityUnits": read, "WriteCapacityUnits": write})
}

fn describe_table(name: &str, table: &Table, context: &Context<'_>) -> Value {
    let created = context.unix_seconds(table.created_at);
    let definition =
        |attribute: &KeyAttribute| json!({"AttributeName": attribute.name, "AttributeType": attribute.kind.letter()});
    let roles = ["HASH", "RANGE"];
    let element = |(attribute, role): (&KeyAttribute, &str)| json!({"AttributeName": attribute.name, "KeyType": role});
    let mut definitions: Vec<&KeyAttribute> = table.key_attributes().collect();
    definitions.sort_by(|a, b| a.name.cmp(&b.name));
    let mut description = json!({
        "AttributeDefinitions": definitions.into_iter().map(definition).collect::<Value>(),
        "TableName": name,
        "KeySchema": table.key_attributes().zip(roles).map(element).collect::<Value>(),
        "TableStatus": table.status(context.now),
        "CreationDateTime": created,
        "ProvisionedThroughput": throughput(table),
        "TableSizeBytes": table.size_bytes(),
        "ItemCount": table.item_count(),
        "TableArn": context.table_arn(name),
        "TableId": table.id,
        "DeletionProtectionEnabled": table.deletion_protected,
    });
    if table.billing == Billing::PayPerRequest {
        description["BillingModeSummary"] =
            json!({"BillingMode": "PAY_PER_REQUEST", "LastUpdateToPayPerRequestDateTime": created});
    }
    description
}

fn definitions(input: &mut Input<'_>) -> Result<Vec<(String, ScalarType)>, Fault> {
    let mut definitions = Vec::new();
    for (number, value) in (1..).zip(input.array("AttributeDefinitions")?.unwrap_or_default()) {
        let fields = Input::new(object_of(value)?);
        let (name, letter) = (fields.text("AttributeName")?, fields.text("AttributeType")?);
        let place = format!("attributeDefinitions.{number}.member");
        if name.is_none() {
            input.absent(&format!("{place}.attributeName"));
        }
        match letter {
            None => input.absent(&format!("{place}.attributeType")),
            letter => input.one_of(letter, &format!("{place}.attributeType"), &["B", "N", "S"]),
        }
        if let Some(((name, kind), letter)) = name.zip(letter.and_then(ScalarType::of_letter)).zip(letter) {
            debug_assert_eq!(kind.letter(), letter);
            definitions.push((name.to_owned(), kind));
        }
    }
    Ok(definitions)
}

fn key_schema(input: &mut Input<'_>) -> Result<Vec<(String, String)>, Fault> {
    let mut schema = Vec::new();
    let elements = input.array("KeySchema")?.unwrap_or_default();
    if elements.len() > 2 {
        let shown = Value::from(elements.to_vec());
        input.violated(shown, "keySchema", "have length less than or equal to 2");
    } else if elements.is_empty() && input.get("KeySchema").is_some() {
        input.violated("[]", "keySchema", "have length greater than or equal to 1");
    }
    for (number, value) in (1..).zip(elements) {
        let fields = Input::new(object_of(value)?);
        let (name, role) = (fields.text("AttributeName")?, fields.text("KeyType")?);
        let place = format!("keySchema.{number}.member");
        if name.is_none() {
            input.absent(&format!("{place}.attributeName"));
        }
        match role {
            None => input.absent(&format!("{place}.keyType")),
            role => input.one_of(role, &format!("{place}.keyType"), &["HASH", "RANGE"]),
        }
        schema.extend(name.zip(role).map(|(name, role)| (name.to_owned(), role.to_owned())));
    }
    Ok(schema)
}

/// Source of the two rules: API_CreateTable, `BillingMode` and `ProvisionedThroughput`.
fn billing(input: &Input<'_>) -> Result<Billing, Fault> {
    let throughput = input.object("ProvisionedThroughput")?.map(Input::new);
    if input.text("BillingMode")? == Some("PAY_PER_REQUEST") {
        return match throughput {
            Some(_) => Err(Fault::parameters(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
            )),
            None => Ok(Billing::PayPerRequest),
        };
    }
    let Some(mut throughput) = throughput else {
        return Err(Fault::parameters(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        ));
    };
    let (read, write) = (throughput.integer("ReadCapacityUnits")?, throughput.integer("WriteCapacityUnits")?);
    for (value, member) in [(write, "writeCapacityUnits"), (read, "readCapacityUnits")] {
        let member = format!("provisionedThroughput.{member}");
        match value {
            None => throughput.absent(&member),
            value => throughput.at_least_one(value, &member),
        }
    }
    throughput.check()?;
    Ok(Billing::Provisioned { read: read.unwrap_or(1), write: write.unwrap_or(1) })
}

fn keys(
    definitions: &[(String, ScalarType)],
    schema: &[(String, String)],
) -> Result<(KeyAttribute, Option<KeyAttribute>), Fault> {
    let defined = |name: &str| definitions.iter().find(|(known, _)| known == name).map(|(_, kind)| *kind);
    let names = |of: &[(String, String)]| of.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    if let Some((number, (name, _))) =
        definitions.iter().enumerate().find(|(at, (name, _))| definitions[..*at].iter().any(|(other, _)| other == name))
    {
        let _ = number;
        // Unverified wording.
        return Err(Fault::parameters(format!("Duplicate AttributeName in AttributeDefinitions: {name}")));
    }
    if schema.first().is_none_or(|(_, role)| role != "HASH") {
        return Err(Fault::validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type"));
    }
    if schema.get(1).is_some_and(|(_, role)| role != "RANGE") {
        return Err(Fault::validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"));
    }
    if schema.len() == 2 && schema[0].0 == schema[1].0 {
        return Err(Fault::validation(
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        ));
    }
    if schema.iter().any(|(name, _)| defined(name).is_none()) {
        let known: Vec<&str> = definitions.iter().map(|(name, _)| name.as_str()).collect();
        return Err(Fault::parameters(format!(
            "Some index key attributes are not defined in AttributeDefinitions. Keys: [{}], AttributeDefinitions: [{}]",
            names(schema),
            known.join(", ")
        )));
    }
    if definitions.len() != schema.len() {
        return Err(Fault::parameters(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in \
             AttributeDefinitions",
        ));
    }
    let attribute = |(name, _): &(String, String)| defined(name).map(|kind| KeyAttribute { name: name.clone(), kind });
    let hash = schema.first().and_then(attribute);
    let hash =
        hash.ok_or_else(|| Fault::validation("Invalid KeySchema: Some index key attribute have no definition"))?;
    Ok((hash, schema.get(1).and_then(attribute)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_and_sorted() {
        let mut tables = Tables::new();
        for name in ["b-2", "a_1", "b-2", "C.3"] {
            tables.insert(name).unwrap();
        }
        assert_eq!(tables.page(None, 10), (vec!["C.3", "a_1", "b-2"], false));
        assert_eq!(tables.page(Some("a_1"), 1), (vec!["b-2"], false));
        assert_eq!(tables.page(None, 2), (vec!["C.3", "a_1"], true));
        for name in ["ab", "", "a b", "tablé", &"a".repeat(256)] {
            assert_eq!(tables.insert(name), Err(TableNameError { name: name.to_owned() }));
        }
        assert!(tables.insert(&"a".repeat(255)).is_ok());
    }
}
