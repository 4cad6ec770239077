/*
 * Small DLLs to be adapted, for tests and fuzzers
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

#include "make_dll.h"

#define MAX_TABLE 0x10000

/* what is being made */
struct maker
{
    const struct dll *dll;
    unsigned char    *data;
    size_t            size;      /* so far */
    unsigned int      sections;
    uint32_t          address;   /* of the next section */
};

static void add_section( struct maker *maker, const char *name, const unsigned char *contents, uint32_t size, uint32_t characteristics )
{
    unsigned char *header = maker->data + dll_section( maker->dll->pe32, maker->sections );

    memcpy( header, name, strnlen( name, 8 ) );
    put32( header + 8, size );
    put32( header + 12, maker->address );
    put32( header + 16, size );
    put32( header + 20, maker->size );
    put32( header + 36, characteristics );
    maker->data = realloc( maker->data, maker->size + size );
    memcpy( maker->data + maker->size, contents, size );
    maker->size += size;
    put16( maker->data + 0x86, ++maker->sections );
    put32( maker->data + DLL_OPTIONAL + 56, maker->address + size );
    maker->address = (maker->address + size + 0xfff) & ~0xfffu;
}

static void set_directory( const struct maker *maker, unsigned int index, uint32_t rva, uint32_t size )
{
    unsigned char *place = maker->data + DLL_OPTIONAL + (maker->dll->pe32 ? 96 : 112) + 8 * (size_t)index;

    put32( place, rva );
    put32( place + 4, size );
}

static void add_code( struct maker *maker )
{
    unsigned char code[DLL_CODE_SIZE];
    unsigned int i;

    for (i = 0; i < sizeof(code); i++) code[i] = i;
    add_section( maker, ".cod", code, sizeof(code), 0x60000020 );
}

static void add_resources( struct maker *maker )
{
    unsigned char *section;
    size_t size;

    if (resources_write( maker->dll->resources, maker->address, &section, &size )) abort();
    set_directory( maker, PE_DIRECTORY_RESOURCE, maker->address, size );
    add_section( maker, ".rsr", section, size, 0x40000040 );
    free( section );
}

/* the table of exports, as it is written */
struct table
{
    unsigned char data[MAX_TABLE];
    uint32_t      rva, end;
};

static uint32_t put_text( struct table *table, const char *text )
{
    uint32_t place = table->rva + table->end, size = strlen( text ) + 1;

    if (size > MAX_TABLE - table->end) abort();
    memcpy( table->data + table->end, text, size );
    table->end += size;
    return place;
}

static void put_mark( struct table *table, const struct dll *dll )
{
    static const char mark[EXPORTS_MARK_SIZE] = EXPORTS_MARK;
    unsigned char *place = table->data + ((table->end + 3) & ~3u);
    const char *name;

    table->end = place - table->data + sizeof(mark) + EXPORTS_MARK_FIXED + EXPORTS_MARK_FILLED;
    memcpy( place, mark, sizeof(mark) );
    put32( place + sizeof(mark), DLL_CODE + DLL_CODE_SIZE / 2 );
    put32( place + sizeof(mark) + 4, table->rva + table->end );
    put32( place + sizeof(mark) + 8, dll->spares );
    for (name = dll->own; *name; name += strlen( name ) + 1) put_text( table, name );
    put_text( table, "" );
}

static void add_exports( struct maker *maker )
{
    const struct dll *dll = maker->dll;
    unsigned int i, count = dll->export_count, names = 0;
    struct table *table = calloc( 1, sizeof(*table) );
    unsigned char *functions = table->data + 40, *name_list = functions + 4 * (size_t)count, *indexes;

    for (i = 0; i < count; i++) if (dll->exports[i].name) names++;
    indexes = name_list + 4 * (size_t)names;
    table->rva = maker->address;
    table->end = indexes + 2 * (size_t)names - table->data;
    put32( table->data + 12, put_text( table, "some.dll" ) );
    put32( table->data + 16, 1 );
    put32( table->data + 20, count );
    put32( table->data + 24, names );
    put32( table->data + 28, table->rva + (functions - table->data) );
    put32( table->data + 32, table->rva + (name_list - table->data) );
    put32( table->data + 36, table->rva + (indexes - table->data) );
    for (i = names = 0; i < count; i++)
    {
        const struct dll_export *export = &dll->exports[i];

        put32( functions + 4 * (size_t)i, export->forward ? put_text( table, export->forward ) : DLL_CODE + i );
        if (!export->name) continue;
        put32( name_list + 4 * (size_t)names, put_text( table, export->name ) );
        put16( indexes + 2 * (size_t)names++, i );
    }
    set_directory( maker, PE_DIRECTORY_EXPORT, maker->address, table->end );
    if (dll->own) put_mark( table, dll );
    add_section( maker, ".exp", table->data, table->end, 0x40000040 );
    free( table );
}

unsigned char *make_dll( const struct dll *dll, unsigned int headers, size_t *size )
{
    struct maker maker = { dll, calloc( 1, headers ), headers, 0, DLL_CODE };
    unsigned char *header = maker.data + DLL_OPTIONAL;
    unsigned int directories = dll->pe32 ? 96 : 112;

    put16( maker.data, 'M' | 'Z' << 8 );
    put32( maker.data + 60, 0x80 );
    put16( maker.data + 0x80, 'P' | 'E' << 8 );
    put16( maker.data + 0x84, dll->pe32 ? 0x14c : 0x8664 );
    put16( maker.data + 0x94, directories + 16 * 8 );
    put16( header, dll->pe32 ? 0x10b : 0x20b );
    put32( header + 32, 0x1000 );
    put32( header + 36, 0x200 );
    put32( header + 60, headers );
    put32( header + directories - 4, 16 );
    add_code( &maker );
    if (dll->resources) add_resources( &maker );
    if (dll->exports) add_exports( &maker );
    *size = maker.size;
    return maker.data;
}
