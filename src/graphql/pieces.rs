//! Different subscriptions of the same jobs.
//!
//! They mostly show the same fields in other combinations. So each field of each job that changed
//! is resolved and serialised once, for all who show it, and a frame is put together from these
//! pieces. The cost of another selection is the copying of its bytes.

use std::collections::{HashMap, VecDeque};
use std::io::Write as _;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_graphql::{Name, Request, Value};

use super::Api;
use super::shape::Shape;
use super::watching::Execution;
use crate::access::Viewer;
use crate::jobs::scope::Scope;
use crate::live::source::{Event, Update};

/// Updates whose pieces are kept for those who show them a little later.
const KEPT: usize = 4;

/// Where those meet who watch the same jobs and may see the same of them.
#[derive(Default)]
pub struct Boards(Mutex<HashMap<(String, Scope), Weak<Board>>>);

impl Boards {
    pub fn join(&self, viewer: &Viewer, scope: &Scope, shape: Shape) -> Seat {
        let key = (viewer.group(), scope.clone());
        let mut boards = lock(&self.0);
        let board = boards.get(&key).and_then(Weak::upgrade).unwrap_or_else(|| {
            boards.retain(|_, board| board.strong_count() > 0);
            let board = Arc::new(Board::new(viewer.shared()));
            boards.insert(key, Arc::downgrade(&board));
            board
        });
        drop(boards);
        let shape = Arc::new(shape);
        let mut seats = lock(&board.seats);
        seats.shapes.push(Arc::clone(&shape));
        // As it is, if nothing new is wanted.
        seats.union = seats.union.take().filter(|union| union.find(&shape).is_some());
        drop(seats);
        Seat { board, shape, found: None }
    }
}

struct Board {
    /// What all who are here may see.
    viewer: Viewer,
    seats: Mutex<Seats>,
    shown: Mutex<VecDeque<Shown>>,
    /// Held by whoever executes; others wait for the result.
    execution: tokio::sync::Mutex<Option<(Arc<Union>, Execution)>>,
}

#[derive(Default)]
struct Seats {
    shapes: Vec<Arc<Shape>>,
    /// Of these shapes; `None` if it is to be made anew.
    union: Option<Arc<Union>>,
}

/// What became of an update; `None` if it could not be shown without errors.
type Shown = (Arc<Update>, Option<Arc<Pieces>>);

/// One who shows a shape.
pub struct Seat {
    board: Arc<Board>,
    shape: Arc<Shape>,
    /// Where its fields are in the union that was shown last.
    found: Option<(Arc<Union>, Vec<Place>)>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = lock(&self.board.seats);
        seats.shapes.retain(|shape| !Arc::ptr_eq(shape, &self.shape));
        seats.union = None;
    }
}

impl Seat {
    /// The response to an update, in JSON; `None` if it is to be executed by itself.
    pub async fn show(&mut self, api: &Api, update: &Arc<Update>) -> Option<String> {
        // Nothing is shared by one.
        if lock(&self.board.seats).shapes.len() < 2 {
            return None;
        }
        let (_, pieces) = match self.board.shown(update) {
            Some(shown) => shown,
            None => self.board.execute(api, update).await,
        };
        let pieces = pieces?;
        if self.found.as_ref().is_none_or(|(of, _)| !Arc::ptr_eq(of, &pieces.union)) {
            let places = pieces.union.find(&self.shape)?;
            self.found = Some((Arc::clone(&pieces.union), places));
        }
        self.found.as_ref().map(|(_, places)| pieces.put_together(places))
    }
}

impl Board {
    fn new(viewer: Viewer) -> Self {
        Self {
            viewer,
            seats: Mutex::default(),
            shown: Mutex::default(),
            execution: tokio::sync::Mutex::default(),
        }
    }

    fn shown(&self, update: &Arc<Update>) -> Option<Shown> {
        let shown = lock(&self.shown);
        shown.iter().rev().find(|(each, _)| Arc::ptr_eq(each, update)).cloned()
    }

    async fn execute(&self, api: &Api, update: &Arc<Update>) -> Shown {
        let mut execution = self.execution.lock().await;
        // Somebody else may have done it meanwhile.
        if let Some(shown) = self.shown(update) {
            return shown;
        }
        let union = lock(&self.seats).union();
        if execution.as_ref().is_none_or(|(of, _)| !Arc::ptr_eq(of, &union)) {
            let request = Request::new(union.document());
            let begun = Execution::begin(api, request, &self.viewer).await;
            *execution = begun.ok().map(|(begun, _)| (Arc::clone(&union), begun));
        }
        let pieces = match &mut *execution {
            Some((_, execution)) => {
                let response = execution.try_show(Event::Executing(Arc::clone(update))).await;
                let response = response.filter(|response| response.errors.is_empty());
                response.and_then(|response| Pieces::new(union, response.data)).map(Arc::new)
            }
            None => None,
        };
        if pieces.is_none() {
            // By itself each of them shows what it can, and says what went wrong.
            *execution = None;
        }
        let shown = (Arc::clone(update), pieces);
        let mut kept = lock(&self.shown);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(shown.clone());
        shown
    }
}

impl Seats {
    fn union(&mut self) -> Arc<Union> {
        let shapes = &self.shapes;
        let union = self.union.get_or_insert_with(|| {
            let mut union = Union::default();
            for shape in shapes {
                union.add(shape);
            }
            Arc::new(union)
        });
        Arc::clone(union)
    }
}

/// All fields that several shapes have, each once.
#[derive(Debug, Default)]
struct Union {
    fields: Vec<(Name, Union)>,
    places: HashMap<Name, usize>,
}

impl Union {
    fn add(&mut self, shape: &Shape) {
        for (_, name, inner) in &shape.fields {
            let place = self.places.get(name).copied().unwrap_or_else(|| {
                self.fields.push((name.clone(), Self::default()));
                self.places.insert(name.clone(), self.fields.len() - 1);
                self.fields.len() - 1
            });
            self.fields[place].1.add(inner);
        }
    }

    /// Without arguments: what it is executed on is handed to it.
    fn document(&self) -> String {
        let mut document = "subscription".to_owned();
        self.write(&mut document);
        document
    }

    fn write(&self, document: &mut String) {
        document.push('{');
        for (name, inner) in &self.fields {
            document.push_str(name);
            if !inner.fields.is_empty() {
                inner.write(document);
            }
            document.push(' ');
        }
        document.push('}');
    }

    /// Where a shape's fields are; `None` if it has others.
    fn find(&self, shape: &Shape) -> Option<Vec<Place>> {
        let places = shape.fields.iter().enumerate().map(|(nth, (key, name, inner))| {
            let place = *self.places.get(name)?;
            let inner = self.fields[place].1.find(inner)?;
            let separator = if nth == 0 { '{' } else { ',' };
            let is_renamed = key != name;
            Some(Place { key: format!("{separator}\"{key}\":"), is_renamed, place, inner })
        });
        places.collect()
    }
}

/// Where a field is, and how the response names it.
struct Place {
    /// With what separates it from the one before it.
    key: String,
    is_renamed: bool,
    place: usize,
    inner: Vec<Place>,
}

/// A response to a union of shapes, of which each value is serialised.
struct Pieces {
    union: Arc<Union>,
    text: String,
    root: Piece,
}

enum Piece {
    Null,
    /// Where it is in the text; that of a field comes after a comma and the field's name.
    Value(Range<usize>),
    /// In the union's order.
    Object(Vec<Piece>),
    List(Vec<Piece>),
}

impl Pieces {
    fn new(union: Arc<Union>, data: Value) -> Option<Self> {
        let mut text = Vec::new();
        let root = piece(&union, data, &mut text)?;
        Some(Self { root, text: String::from_utf8(text).ok()?, union })
    }

    /// The response that has only the fields in these places.
    fn put_together(&self, places: &[Place]) -> String {
        let mut response = String::with_capacity(self.text.len() / 2 + 64);
        response.push_str("{\"data\":");
        self.write(&self.root, places, &mut response);
        response.push('}');
        response
    }

    fn write(&self, piece: &Piece, places: &[Place], response: &mut String) {
        match piece {
            Piece::Null => response.push_str("null"),
            Piece::Value(range) => response.push_str(&self.text[range.clone()]),
            // So the library shows an object of which everything is skipped.
            Piece::Object(_) if places.is_empty() => response.push_str("null"),
            Piece::Object(fields) => {
                for (nth, Place { key, is_renamed, place, inner }) in places.iter().enumerate() {
                    match &fields[*place] {
                        // Most are copied with their names, all at once.
                        Piece::Value(range) if !is_renamed => {
                            let mut start = range.start - key.len();
                            if nth == 0 {
                                response.push('{');
                                start += 1;
                            }
                            response.push_str(&self.text[start..range.end]);
                        }
                        field => {
                            response.push_str(key);
                            self.write(field, inner, response);
                        }
                    }
                }
                response.push('}');
            }
            Piece::List(items) => {
                response.push('[');
                for (nth, item) in items.iter().enumerate() {
                    if nth > 0 {
                        response.push(',');
                    }
                    self.write(item, places, response);
                }
                response.push(']');
            }
        }
    }
}

/// Serialises a part of a response. `None` if it is not what was asked for.
fn piece(union: &Union, value: Value, text: &mut Vec<u8>) -> Option<Piece> {
    match value {
        value if union.fields.is_empty() => {
            let start = text.len();
            serde_json::to_writer(&mut *text, &value).ok()?;
            Some(Piece::Value(start..text.len()))
        }
        Value::Null => Some(Piece::Null),
        Value::List(items) => {
            let items = items.into_iter().map(|item| piece(union, item, text));
            Some(Piece::List(items.collect::<Option<_>>()?))
        }
        Value::Object(fields) if fields.len() == union.fields.len() => {
            let fields =
                fields.into_iter().zip(&union.fields).map(|((key, value), (name, inner))| {
                    if key != *name {
                        return None;
                    }
                    if inner.fields.is_empty() {
                        write!(text, ",\"{name}\":").ok()?;
                    }
                    piece(inner, value, text)
                });
            Some(Piece::Object(fields.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
