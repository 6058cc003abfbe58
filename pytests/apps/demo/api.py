"""The FastAPI part, mounted at /api: typed parameters, models, validation, generated documents."""

import threading
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query, Request
from pydantic import BaseModel, Field

api = FastAPI(title="Ringhorn demo", version="1.0")


class Item(BaseModel):
    name: str = Field(min_length=1, max_length=80)
    price: float = Field(gt=0)
    tags: list[str] = []


class StoredItem(Item):
    id: int


@api.get("/add")
async def add(a: int, b: int) -> dict[str, int]:
    """Two query parameters, converted and checked."""
    return {"sum": a + b}


@api.post("/items", status_code=201)
async def create_item(item: Item, request: Request) -> StoredItem:
    """A JSON body, checked against a model and kept in the lifespan state."""
    items = request.state.items
    stored = StoredItem(id=len(items) + 1, **item.model_dump())
    items.append(stored)
    return stored


@api.get("/items")
async def list_items(
    request: Request, limit: Annotated[int, Query(ge=1, le=100)] = 10
) -> list[StoredItem]:
    """The newest items."""
    return request.state.items[-limit:]


@api.get("/items/{item_id}")
async def read_item(item_id: int, request: Request) -> StoredItem:
    """A typed path parameter; 404 when there is no such item."""
    items = request.state.items
    if not 1 <= item_id <= len(items):
        raise HTTPException(status_code=404, detail=f"there is no item {item_id}")
    return items[item_id - 1]


@api.get("/thread")
def read_thread() -> dict[str, str]:
    """A sync endpoint of FastAPI: runs in the thread pool too."""
    return {"thread": threading.current_thread().name}
