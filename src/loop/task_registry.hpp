/// asyncio notes every task in a WeakSet (up to 3.11 `asyncio.tasks._all_tasks`, then
/// `_scheduled_tasks`), which is written in Python: to come and to go takes a task as long as all
/// else about it. prepare_registry() gives that one set native code for both, and has whoever walks
/// through it (asyncio.all_tasks(), tools) find the task of a coroutine in its first step as well,
/// which is made then (core_task.cpp). Needs the GIL.
#pragma once

namespace ringhorn::loop {

/// Once per interpreter; a second call, and a set of an unknown kind, changes nothing. False with
/// an exception set on failure.
bool prepare_registry();

}  // namespace ringhorn::loop
