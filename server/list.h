/*
 * Doubly linked lists
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_SERVER_LIST_H
#define PORTRES_SERVER_LIST_H

#include <stddef.h>

/* A list is a ring through its head; an entry is embedded in the structure it links. */
struct list
{
    struct list *next;
    struct list *prev;
};

#define LIST_ENTRY( ptr, type, field ) ((type *)((char *)(ptr) - offsetof( type, field )))

/* walks the list, and allows to remove the entry at hand */
#define LIST_FOR_EACH_SAFE( cursor, after, head ) \
    for ((cursor) = (head)->next, (after) = (cursor)->next; (cursor) != (head); \
         (cursor) = (after), (after) = (cursor)->next)

static inline void list_init( struct list *list )
{
    list->next = list->prev = list;
}

static inline int list_empty( const struct list *list )
{
    return list->next == list;
}

static inline void list_add_tail( struct list *list, struct list *entry )
{
    entry->next = list;
    entry->prev = list->prev;
    list->prev->next = entry;
    list->prev = entry;
}

static inline void list_remove( struct list *entry )
{
    entry->next->prev = entry->prev;
    entry->prev->next = entry->next;
    list_init( entry );
}

#endif /* PORTRES_SERVER_LIST_H */
