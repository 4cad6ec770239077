/*
 * The exports of a DLL
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdlib.h>
#include <string.h>

#include "exports.h"

#define MAX_EXPORTS    0x10000  /* ordinals have 16 bits */
#define MAX_OWN        1024
#define DIRECTORY_SIZE 40
#define LIST_ENTRY     8
#define MAX_TABLE      0x1000000  /* many names may share one text of a file, so that a small one gives a large table */

static const char no_memory[] = "there is not enough memory";

/* for qsort() and bsearch() */
static int compare_names( const void *left, const void *right )
{
    const struct exported_name *a = left, *b = right;

    return strcmp( a->name, b->name );
}

static const struct exported_name *find_name( const struct exports *exports, const char *name )
{
    struct exported_name like = { name, 0 };

    if (!exports->name_count) return NULL;
    return bsearch( &like, exports->names, exports->name_count, sizeof(like), compare_names );
}

static int is_forward( const struct exports *exports, unsigned int index )
{
    uint32_t rva = exports->functions[index];

    return rva >= exports->start && rva - exports->start < exports->size;
}

static const char *read_names( const struct pe *pe, const unsigned char *directory, struct exports *exports )
{
    unsigned int i, count = get32( directory + 24 );
    const unsigned char *names, *indexes;

    if (!count) return NULL;
    if (count > MAX_EXPORTS) return "it has too many exports";
    if (!(names = pe_get_bytes( pe, get32( directory + 32 ), 4 * count )) ||
        !(indexes = pe_get_bytes( pe, get32( directory + 36 ), 2 * count ))) return "the names of its exports are not there";
    if (!(exports->names = calloc( count, sizeof(*exports->names) ))) return no_memory;
    for (i = 0; i < count; i++)
    {
        exports->names[i].index = get16( indexes + 2 * (size_t)i );
        if (exports->names[i].index >= exports->function_count) return "a name of its exports has no function";
        if (!(exports->names[i].name = pe_get_text( pe, get32( names + 4 * (size_t)i ) ))) return "a name of its exports is not there";
    }
    exports->name_count = count;
    /* they should be; who looks one up halves the list */
    qsort( exports->names, count, sizeof(*exports->names), compare_names );
    for (i = 1; i < count; i++) if (!strcmp( exports->names[i - 1].name, exports->names[i].name )) return "it exports a name twice";
    return NULL;
}

const char *exports_read( const struct pe *pe, struct exports *exports )
{
    const unsigned char *directory, *functions;
    unsigned int i, count;

    memset( exports, 0, sizeof(*exports) );
    pe_get_directory( pe, PE_DIRECTORY_EXPORT, &exports->start, &exports->size );
    if (!exports->size) return NULL;
    if (!(directory = pe_get_bytes( pe, exports->start, DIRECTORY_SIZE ))) return "its exports are not in the file";
    exports->time = get32( directory + 4 );
    exports->base = get32( directory + 16 );
    if (!(exports->dll = pe_get_text( pe, get32( directory + 12 ) ))) return "it does not say its name";
    if ((count = get32( directory + 20 )))
    {
        if (count > MAX_EXPORTS || exports->base > MAX_EXPORTS - count) return "it has too many exports";
        if (!(functions = pe_get_bytes( pe, get32( directory + 28 ), 4 * count ))) return "its exports are not there";
        if (!(exports->functions = calloc( count, sizeof(*exports->functions) ))) return no_memory;
        exports->function_count = count;
        for (i = 0; i < count; i++) exports->functions[i] = get32( functions + 4 * (size_t)i );
    }
    return read_names( pe, directory, exports );
}

void exports_free( struct exports *exports )
{
    free( exports->functions );
    free( exports->names );
}

/* what is at hand while a table is made */
struct maker
{
    const struct pe *wine_pe;
    struct exports   ours, wine;
    uint32_t         spares, spare_count;
    const char      *own[MAX_OWN];         /* names of the functions that are our own */
    unsigned int     own_count;
    const char     **first_names;          /* of each of Wine's functions; NULL: it has none */
    unsigned int    *spare_functions;      /* index of Wine's function that a spare thunk is for */
    unsigned int     used;
};

void exports_find_mark( const struct pe *pe, struct exports_table *table )
{
    static const unsigned char mark[EXPORTS_MARK_SIZE] = EXPORTS_MARK;
    size_t i, size = EXPORTS_MARK_SIZE + EXPORTS_MARK_FIXED + EXPORTS_MARK_FILLED;

    table->mark = 0;
    for (i = pe_end_of_headers( pe ); i + size <= pe->size; i++)
    {
        if (pe->data[i] != mark[0] || memcmp( pe->data + i, mark, sizeof(mark) )) continue;
        table->mark = i;
        return;
    }
}

static const char *read_mark( const struct pe *pe, struct maker *maker, const struct exports_table *table )
{
    const unsigned char *place = pe->data + table->mark + EXPORTS_MARK_SIZE;
    uint32_t rva = get32( place + 4 );
    const char *name;

    maker->spares = get32( place );
    maker->spare_count = get32( place + 8 );
    if (maker->spare_count > MAX_EXPORTS) return "it has too many spare thunks";
    if (maker->spare_count && !pe_get_bytes( pe, maker->spares, EXPORTS_SPARE_SIZE * maker->spare_count )) return "its spare thunks are not there";
    for (;;)
    {
        if (maker->own_count == MAX_OWN || !(name = pe_get_text( pe, rva ))) return "the names of its own functions are not there";
        if (!*name) return NULL;
        if (!find_name( &maker->ours, name )) return "it does not export a function of its own";
        maker->own[maker->own_count++] = name;
        rva += strlen( name ) + 1;
    }
}

static int is_own( const struct maker *maker, const char *name )
{
    unsigned int i;

    for (i = 0; i < maker->own_count; i++) if (!strcmp( maker->own[i], name )) return 1;
    return 0;
}

static uint32_t our_function( const struct maker *maker, const char *name )
{
    const struct exported_name *found = find_name( &maker->ours, name );

    return found ? maker->ours.functions[found->index] : 0;
}

/* Replace the address of each of Wine's functions by that of ours: our own one, or the thunk that jumps to it. Forwards stay as they are. */
static const char *map_functions( struct maker *maker, const char **forwards )
{
    struct exports *wine = &maker->wine;
    unsigned int i;
    uint32_t rva;

    for (i = 0; i < wine->name_count; i++)
    {
        const char **first = &maker->first_names[wine->names[i].index];

        /* of several names, one of ours counts */
        if (!*first || is_own( maker, wine->names[i].name )) *first = wine->names[i].name;
    }
    for (i = 0; i < wine->function_count; i++)
    {
        const char *name = maker->first_names[i];

        if (!wine->functions[i]) continue;
        if (forwards[i] && !(name && is_own( maker, name ))) continue;
        if (!forwards[i] && !pe_is_code( maker->wine_pe, wine->functions[i] )) return "it exports something that is no function";
        if (!name || !(rva = our_function( maker, name )))
        {
            if (maker->used == maker->spare_count) return "it exports too many functions that were unknown when wine-portres was built";
            rva = maker->spares + EXPORTS_SPARE_SIZE * maker->used;
            maker->spare_functions[maker->used++] = i;
        }
        wine->functions[i] = rva;
        forwards[i] = NULL;
    }
    return NULL;
}

/* the parts of the table, one behind the other, and the texts behind them */
struct layout
{
    unsigned char *data;    /* NULL: only the size is asked for */
    uint32_t       rva;
    uint64_t       end;
};

static uint32_t put_text( struct layout *layout, const char *text )
{
    size_t size = strlen( text ) + 1;
    uint64_t place = layout->end;

    if (layout->data) memcpy( layout->data + place, text, size );
    layout->end += size;
    return layout->rva + (uint32_t)place;
}

static void put_table( const struct maker *maker, const char *const *forwards, const struct exported_name *names, unsigned int name_count,
                       unsigned int function_count, struct layout *layout, struct exports_table *table )
{
    uint32_t functions = DIRECTORY_SIZE, name_table = functions + 4 * function_count, list = name_table + 4 * name_count;
    uint32_t indexes = list + LIST_ENTRY * maker->used, place, value;
    unsigned char *data = layout->data;
    unsigned int i, j;

    layout->end = indexes + 2 * name_count;
    place = put_text( layout, maker->wine.dll );
    if (data)
    {
        put32( data + 4, maker->wine.time );
        put32( data + 12, place );
        put32( data + 16, maker->wine.base );
        put32( data + 20, function_count );
        put32( data + 24, name_count );
        put32( data + 28, layout->rva + functions );
        put32( data + 32, layout->rva + name_table );
        put32( data + 36, layout->rva + indexes );
    }
    for (i = 0; i < function_count; i++)
    {
        if (i >= maker->wine.function_count) value = 0;  /* by name, below */
        else if (forwards[i]) value = put_text( layout, forwards[i] );
        else value = maker->wine.functions[i];
        if (data) put32( data + functions + 4 * (size_t)i, value );
    }
    for (i = 0; i < name_count; i++)
    {
        place = put_text( layout, names[i].name );
        if (!data) continue;
        put32( data + name_table + 4 * (size_t)i, place );
        put16( data + indexes + 2 * (size_t)i, names[i].index );
        if (names[i].index >= maker->wine.function_count)
            put32( data + functions + 4 * (size_t)names[i].index, our_function( maker, names[i].name ) );
        for (j = 0; j < maker->used; j++)
            if (maker->spare_functions[j] == names[i].index) put32( data + list + LIST_ENTRY * (size_t)j, place );
    }
    table->list = layout->rva + list;
    table->count = maker->used;
    if (!data) return;
    for (j = 0; j < maker->used; j++)
    {
        unsigned char *entry = data + list + LIST_ENTRY * (size_t)j;

        if (!get32( entry )) put32( entry, EXPORTS_BY_NUMBER | (maker->wine.base + maker->spare_functions[j]) );
        put32( entry + 4, layout->rva + functions + 4 * maker->spare_functions[j] );
    }
}

/* All names: Wine's, and those of our own functions that Wine's lacks, which get the next numbers */
static const char *write_table( struct maker *maker, const char *const *forwards, uint32_t rva, struct exports_table *table )
{
    unsigned int name_count = maker->wine.name_count, function_count = maker->wine.function_count, i;
    struct exported_name *names = calloc( name_count + maker->own_count + (size_t)1, sizeof(*names) );
    struct layout sizes = { NULL, rva, 0 }, layout = { NULL, rva, 0 };

    if (!names) return no_memory;
    if (name_count) memcpy( names, maker->wine.names, name_count * sizeof(*names) );
    for (i = 0; i < maker->own_count; i++)
    {
        if (find_name( &maker->wine, maker->own[i] )) continue;
        names[name_count].name = maker->own[i];
        names[name_count++].index = function_count++;
    }
    qsort( names, name_count, sizeof(*names), compare_names );
    if (maker->wine.base + function_count > MAX_EXPORTS)
    {
        free( names );
        return "it has no number left for another export";
    }
    put_table( maker, forwards, names, name_count, function_count, &sizes, table );
    if (sizes.end > MAX_TABLE)
    {
        free( names );
        return "the names of its exports are too long";
    }
    if ((layout.data = calloc( 1, sizes.end )))
    {
        put_table( maker, forwards, names, name_count, function_count, &layout, table );
        table->data = layout.data;
        table->size = layout.end;
    }
    free( names );
    return layout.data ? NULL : no_memory;
}

/* the texts of Wine's forwards, before map_functions() replaces some of them */
static const char *read_forwards( const struct maker *maker, const char **forwards )
{
    unsigned int i;

    for (i = 0; i < maker->wine.function_count; i++)
    {
        if (!maker->wine.functions[i] || !is_forward( &maker->wine, i )) continue;
        if (!(forwards[i] = pe_get_text( maker->wine_pe, maker->wine.functions[i] ))) return "where an export is forwarded to is not there";
    }
    return NULL;
}

static const char *make_table( struct maker *maker, uint32_t rva, struct exports_table *table, int *of_wine )
{
    unsigned int count = maker->wine.function_count;
    const char **forwards = calloc( count + (size_t)1, sizeof(*forwards) ), *error = no_memory;

    maker->first_names = calloc( count + (size_t)1, sizeof(*maker->first_names) );
    maker->spare_functions = calloc( maker->spare_count + (size_t)1, sizeof(*maker->spare_functions) );
    if (forwards && maker->first_names && maker->spare_functions)
    {
        *of_wine = 1;
        error = read_forwards( maker, forwards );
        if (!error) error = map_functions( maker, forwards );
        if (!error) error = write_table( maker, forwards, rva, table );
    }
    free( maker->spare_functions );
    free( maker->first_names );
    free( forwards );
    return error;
}

const char *exports_make( const struct pe *ours, const struct pe *wine, uint32_t rva, struct exports_table *table, int *of_wine )
{
    struct maker maker = { .wine_pe = wine };
    const char *error;

    memset( table, 0, sizeof(*table) );
    exports_find_mark( ours, table );
    if (!table->mark) return NULL;
    *of_wine = 0;
    error = exports_read( ours, &maker.ours );
    if (!error) error = read_mark( ours, &maker, table );
    if (!error)
    {
        *of_wine = 1;
        error = exports_read( wine, &maker.wine );
        if (!error && !maker.wine.function_count) error = "it exports nothing";
        if (!error) error = make_table( &maker, rva, table, of_wine );
    }
    exports_free( &maker.wine );
    exports_free( &maker.ours );
    return error;
}

void exports_put_mark( const struct pe *pe, const struct exports_table *table )
{
    put32( pe->data + table->mark + EXPORTS_MARK_SIZE + EXPORTS_MARK_FIXED, table->list );
    put32( pe->data + table->mark + EXPORTS_MARK_SIZE + EXPORTS_MARK_FIXED + 4, table->count );
}
