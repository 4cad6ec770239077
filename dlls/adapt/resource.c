/*
 * The resources of a program
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

#include "resource.h"

#define MAX_RESOURCES   4096
#define MAX_ENTRIES     0x10000  /* of all directories */
#define DIRECTORY_SIZE  16
#define ENTRY_SIZE      8
#define DATA_ENTRY_SIZE 16
#define DATA_ALIGNMENT  8
#define HIGH_BIT        0x80000000u
#define MAX_NAME        256         /* characters */
#define MAX_SECTION     0x1000000   /* many resources may share their contents in a file, so that a small one gives a large section */

static int compare_ids( const struct resource_id *a, const struct resource_id *b )
{
    unsigned int i;

    /* texts come before numbers */
    if (!a->text != !b->text) return a->text ? -1 : 1;
    if (!a->text) return a->number < b->number ? -1 : a->number > b->number;
    for (i = 0; i < a->length && i < b->length; i++)
    {
        unsigned int x = get16( a->text + 2 * (size_t)i ), y = get16( b->text + 2 * (size_t)i );

        if (x != y) return x < y ? -1 : 1;
    }
    return a->length < b->length ? -1 : a->length > b->length;
}

static int compare_resources( const void *left, const void *right )
{
    const struct resource *a = left, *b = right;
    int ret;

    if ((ret = compare_ids( &a->type, &b->type ))) return ret;
    if ((ret = compare_ids( &a->name, &b->name ))) return ret;
    return a->language < b->language ? -1 : a->language > b->language;
}

const struct resource *resources_find( const struct resources *resources, const struct resource *like )
{
    unsigned int i;

    for (i = 0; i < resources->count; i++) if (!compare_resources( &resources->list[i], like )) return &resources->list[i];
    return NULL;
}

const char *resources_add( struct resources *resources, const struct resource *resource )
{
    struct resource *list;
    unsigned int room;

    if (resources->count == MAX_RESOURCES) return "it has too many resources";
    if (resource->size > MAX_SECTION - resources->size) return "its resources are too large";
    if (resources_find( resources, resource )) return "it has a resource twice";
    if (resources->count == resources->room)
    {
        room = resources->room ? 2 * resources->room : 16;
        if (!(list = realloc( resources->list, room * sizeof(*list) ))) return "there is not enough memory";
        resources->list = list;
        resources->room = room;
    }
    resources->list[resources->count++] = *resource;
    resources->size += resource->size;
    return NULL;
}

/* what is being read: one directory of each of the three levels */
struct reader
{
    const struct pe     *pe;
    const unsigned char *section;
    uint32_t             size;
    struct resources    *resources;
    unsigned int         entries;  /* seen so far */
};

static const unsigned char *get_bytes( const struct reader *reader, uint32_t offset, uint32_t size )
{
    if (offset > reader->size || size > reader->size - offset) return NULL;
    return reader->section + offset;
}

static const char *read_id( const struct reader *reader, uint32_t value, struct resource_id *id )
{
    const unsigned char *text;

    memset( id, 0, sizeof(*id) );
    id->number = value;
    if (!(value & HIGH_BIT)) return NULL;
    if (!(text = get_bytes( reader, value & ~HIGH_BIT, 2 ))) return "the name of a resource is not there";
    if ((id->length = get16( text )) > MAX_NAME) return "the name of a resource is too long";
    if (!(id->text = get_bytes( reader, (value & ~HIGH_BIT) + 2, 2 * id->length ))) return "the name of a resource is not whole";
    return NULL;
}

static const char *read_data( const struct reader *reader, uint32_t offset, struct resource *resource )
{
    const unsigned char *entry = get_bytes( reader, offset, DATA_ENTRY_SIZE );

    if (!entry) return "a resource is not there";
    resource->size = get32( entry + 4 );
    resource->codepage = get32( entry + 8 );
    if (!(resource->data = pe_get_bytes( reader->pe, get32( entry ), resource->size ))) return "a resource is not whole";
    return resources_add( reader->resources, resource );
}

static const char *read_directory( struct reader *reader, uint32_t offset, unsigned int level, struct resource *resource )
{
    const unsigned char *directory = get_bytes( reader, offset, DIRECTORY_SIZE ), *entry;
    unsigned int i, count;
    const char *error;
    uint32_t value;

    if (!directory) return "a resource directory is not there";
    count = get16( directory + 12 ) + get16( directory + 14 );
    for (i = 0; i < count; i++)
    {
        if (reader->entries++ == MAX_ENTRIES) return "its resource directories are too large";
        if (!(entry = get_bytes( reader, offset + DIRECTORY_SIZE + ENTRY_SIZE * i, ENTRY_SIZE ))) return "a resource directory is not whole";
        value = get32( entry + 4 );
        if (!(value & HIGH_BIT) != (level == 2)) return "the resource directories make no sense";
        if (level == 2)
        {
            resource->language = get32( entry );
            error = read_data( reader, value, resource );
        }
        else if (!(error = read_id( reader, get32( entry ), level ? &resource->name : &resource->type )))
            error = read_directory( reader, value & ~HIGH_BIT, level + 1, resource );
        if (error) return error;
    }
    return NULL;
}

const char *resources_read( const struct pe *pe, struct resources *resources )
{
    struct reader reader = { pe, NULL, 0, resources, 0 };
    struct resource resource = { 0 };
    uint32_t rva;

    pe_get_directory( pe, PE_DIRECTORY_RESOURCE, &rva, &reader.size );
    if (!reader.size) return NULL;
    if (!(reader.section = pe_get_bytes( pe, rva, reader.size ))) return "its resources are not in the file";
    return read_directory( &reader, 0, 0, &resource );
}

/* where the parts of the section begin, one behind the other; sizes come first, then the parts are written to that place */
struct writer
{
    unsigned char *data;
    uint32_t       rva;
    uint32_t       directories, entries, texts, contents;
};

/* number of resources from the first one on that have its type, or its type and its name */
static unsigned int count_same( const struct resource *list, unsigned int count, unsigned int level )
{
    unsigned int same = 1;

    while (same < count && !compare_ids( &list[0].type, &list[same].type ) &&
           (level < 2 || !compare_ids( &list[0].name, &list[same].name ))) same++;
    return same;
}

static unsigned int take( uint32_t *place, uint32_t size, uint32_t alignment )
{
    uint32_t start = (*place + alignment - 1) & ~(alignment - 1);

    *place = start + size;
    return start;
}

static uint32_t write_id( struct writer *writer, const struct resource_id *id )
{
    uint32_t offset;

    if (!id->text) return id->number;
    offset = take( &writer->texts, 2 + 2 * id->length, 2 );
    if (writer->data)
    {
        put16( writer->data + offset, id->length );
        memcpy( writer->data + offset + 2, id->text, 2 * (size_t)id->length );
    }
    return offset | HIGH_BIT;
}

static uint32_t write_data( struct writer *writer, const struct resource *resource )
{
    uint32_t offset = take( &writer->entries, DATA_ENTRY_SIZE, 4 ), contents = take( &writer->contents, resource->size, DATA_ALIGNMENT );

    if (writer->data)
    {
        put32( writer->data + offset, writer->rva + contents );
        put32( writer->data + offset + 4, resource->size );
        put32( writer->data + offset + 8, resource->codepage );
        memcpy( writer->data + contents, resource->data, resource->size );
    }
    return offset;
}

/* The directory of resources that have all in common down to this level. Returns its place. */
static uint32_t write_directory( struct writer *writer, const struct resource *list, unsigned int count, unsigned int level )
{
    unsigned int i, same, entries = 0, texts = 0;
    uint32_t offset, entry, id, value;

    for (i = 0; i < count; i += same, entries++)
    {
        same = level == 2 ? 1 : count_same( list + i, count - i, level + 1 );
        if (level < 2 && (level ? list[i].name.text : list[i].type.text)) texts++;
    }
    offset = take( &writer->directories, DIRECTORY_SIZE + entries * ENTRY_SIZE, 4 );
    if (writer->data)
    {
        put16( writer->data + offset + 12, texts );
        put16( writer->data + offset + 14, entries - texts );
    }
    for (i = 0, entry = offset + DIRECTORY_SIZE; i < count; i += same, entry += ENTRY_SIZE)
    {
        if (level == 2)
        {
            same = 1;
            id = list[i].language;
            value = write_data( writer, &list[i] );
        }
        else
        {
            same = count_same( list + i, count - i, level + 1 );
            id = write_id( writer, level ? &list[i].name : &list[i].type );
            value = write_directory( writer, list + i, same, level + 1 ) | HIGH_BIT;
        }
        if (!writer->data) continue;
        put32( writer->data + entry, id );
        put32( writer->data + entry + 4, value );
    }
    return offset;
}

const char *resources_write( struct resources *resources, uint32_t rva, unsigned char **data, size_t *size )
{
    struct writer sizes = { NULL, 0, 0, 0, 0, 0 }, writer = { NULL, rva, 0, 0, 0, 0 };

    if (resources->count) qsort( resources->list, resources->count, sizeof(resources->list[0]), compare_resources );
    write_directory( &sizes, resources->list, resources->count, 0 );
    take( &writer.entries, sizes.directories, 1 );
    writer.texts = writer.entries;
    take( &writer.texts, sizes.entries, 4 );
    writer.contents = writer.texts;
    take( &writer.contents, sizes.texts, 2 );
    writer.contents = (writer.contents + DATA_ALIGNMENT - 1) & ~(DATA_ALIGNMENT - 1);
    *size = (size_t)writer.contents + sizes.contents;
    if (!(*data = writer.data = calloc( 1, *size ))) return "there is not enough memory";
    write_directory( &writer, resources->list, resources->count, 0 );
    return NULL;
}

void resources_free( struct resources *resources )
{
    free( resources->list );
}
