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

#ifndef PORTRES_PORTS_PORT_LIST_H
#define PORTRES_PORTS_PORT_LIST_H

#include <stddef.h>

/* A list is a ring through its head; an entry is embedded in the structure it links. */
struct port_list
{
    struct port_list *next;
    struct port_list *prev;
};

#define PORT_LIST_ENTRY( ptr, type, field ) ((type *)((char *)(ptr) - offsetof( type, field )))

/* walks the list, and allows to remove the entry at hand */
#define PORT_LIST_FOR_EACH_SAFE( cursor, after, head ) \
    for ((cursor) = (head)->next, (after) = (cursor)->next; (cursor) != (head); \
         (cursor) = (after), (after) = (cursor)->next)

static inline void port_list_init( struct port_list *list )
{
    list->next = list->prev = list;
}

static inline int port_list_empty( const struct port_list *list )
{
    return list->next == list;
}

static inline void port_list_add_tail( struct port_list *list, struct port_list *entry )
{
    entry->next = list;
    entry->prev = list->prev;
    list->prev->next = entry;
    list->prev = entry;
}

static inline void port_list_remove( struct port_list *entry )
{
    entry->next->prev = entry->prev;
    entry->prev->next = entry->next;
    port_list_init( entry );
}

#endif /* PORTRES_PORTS_PORT_LIST_H */
