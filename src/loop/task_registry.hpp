/// asyncio notes every task in a WeakSet (up to 3.11 `asyncio.tasks._all_tasks`, then
/// `_scheduled_tasks`), which is written in Python: to come and to go takes a task as long as all
/// else about it. make_registry_quick() gives that one set native code for both. What it holds, and
/// all that asks it (asyncio.all_tasks(), tools), stays the same. Needs the GIL.
#pragma once

namespace ringhorn::loop {

/// Once per interpreter; a second call, and a set of an unknown kind, changes nothing. False with
/// an exception set on failure.
bool make_registry_quick();

}  // namespace ringhorn::loop
