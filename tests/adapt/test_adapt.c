/*
 * DLLs that get the resources of Wine's
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* "the version resource ... of each DLL are those of Wine's own": what install makes of our DLL and of Wine's, whatever the two are. */

#include <stdlib.h>
#include <string.h>

#include "../../dlls/adapt/adapt.h"
#include "../../dlls/adapt/resource.h"
#include "test.h"

#define HEADERS   0x400
#define TEXT_SIZE 0x200

static uint32_t seed = 1;

static unsigned int pick( unsigned int count )
{
    seed = seed * 1103515245 + 12345;
    return (seed >> 16) % count;
}

/* "MARK", in 16-bit characters */
static const unsigned char mark_name[] = { 'M', 0, 'A', 0, 'R', 0, 'K', 0 };
static const unsigned char other_name[] = { 'M', 0, 'A', 0 };

static struct resource_id number( unsigned int value )
{
    return (struct resource_id){ .number = value };
}

static struct resource_id text( const unsigned char *bytes, unsigned int size )
{
    return (struct resource_id){ .number = 0, .text = bytes, .length = size / 2 };
}

static void add( struct resources *resources, struct resource_id type, struct resource_id name, uint32_t language, const char *data )
{
    struct resource resource = { type, name, language, (const unsigned char *)data, strlen( data ), 1252 };
    const char *error = resources_add( resources, &resource );

    ok( !error, "%s", error );
}

static const struct resource *find( const struct resources *resources, struct resource_id type, struct resource_id name, uint32_t language )
{
    struct resource like = { type, name, language, NULL, 0, 0 };

    return resources_find( resources, &like );
}

static int has( const struct resources *resources, struct resource_id type, struct resource_id name, uint32_t language, const char *data )
{
    const struct resource *found = find( resources, type, name, language );

    return found && found->size == strlen( data ) && !memcmp( found->data, data, found->size ) && found->codepage == 1252;
}

/* A DLL of one section, and one with resources if there are any. The caller frees it. */
static unsigned char *make_dll( int pe32, struct resources *resources, unsigned int headers, size_t *size )
{
    unsigned int directories = pe32 ? 96 : 112, optional = 0x98, sections = optional + directories + 16 * 8, i;
    unsigned char *section = NULL, *data, *header;
    size_t section_size = 0;

    if (resources) resources_write( resources, 0x2000, &section, &section_size );
    *size = headers + TEXT_SIZE + section_size;
    data = calloc( 1, *size );
    put16( data, 'M' | 'Z' << 8 );
    put32( data + 60, 0x80 );
    put16( data + 0x80, 'P' | 'E' << 8 );
    put16( data + 0x84, pe32 ? 0x14c : 0x8664 );
    put16( data + 0x86, resources ? 2 : 1 );
    put16( data + 0x94, directories + 16 * 8 );
    header = data + optional;
    put16( header, pe32 ? 0x10b : 0x20b );
    put32( header + 32, 0x1000 );
    put32( header + 36, 0x200 );
    put32( header + 56, resources ? 0x2000 + section_size : 0x1000 + TEXT_SIZE );
    put32( header + 60, headers );
    put32( header + directories - 4, 16 );
    if (resources) put32( header + directories + 16, 0x2000 );
    if (resources) put32( header + directories + 20, section_size );
    put32( data + sections, get32( (const unsigned char *)".cod" ) );
    put32( data + sections + 8, TEXT_SIZE );
    put32( data + sections + 12, 0x1000 );
    put32( data + sections + 16, TEXT_SIZE );
    put32( data + sections + 20, headers );
    for (i = 0; i < TEXT_SIZE; i++) data[headers + i] = i;
    if (resources)
    {
        put32( data + sections + 40, get32( (const unsigned char *)".rsr" ) );
        put32( data + sections + 48, section_size );
        put32( data + sections + 52, 0x2000 );
        put32( data + sections + 56, section_size );
        put32( data + sections + 60, headers + TEXT_SIZE );
        memcpy( data + headers + TEXT_SIZE, section, section_size );
    }
    free( section );
    return data;
}

static unsigned char *make_ours( int pe32, size_t *size )
{
    struct resources resources = { 0 };
    unsigned char *ret;

    add( &resources, number( 10 ), text( mark_name, sizeof(mark_name) ), 0x409, "This file is ours" );
    add( &resources, number( RESOURCE_VERSION ), number( 1 ), 0x409, "our version" );
    ret = make_dll( pe32, &resources, HEADERS, size );
    resources_free( &resources );
    return ret;
}

static unsigned char *make_wines( int pe32, size_t *size )
{
    struct resources resources = { 0 };
    unsigned char *ret;

    add( &resources, number( RESOURCE_VERSION ), number( 1 ), 0x409, "version of Wine" );
    add( &resources, number( 6 ), number( 7 ), 0x407, "eine Meldung" );
    add( &resources, number( 6 ), number( 7 ), 0x409, "a message" );
    add( &resources, text( mark_name, sizeof(mark_name) ), text( other_name, sizeof(other_name) ), 0, "a type with a name" );
    add( &resources, number( 10 ), text( other_name, sizeof(other_name) ), 0x409, "no mark" );
    add( &resources, number( 10 ), number( 3 ), 0x409, "" );
    ret = make_dll( pe32, &resources, HEADERS, size );
    resources_free( &resources );
    return ret;
}

static uint32_t sum_of( const unsigned char *data, size_t size, size_t skip )
{
    uint64_t sum = 0;
    size_t i;

    for (i = 0; i < size; i++) if (i < skip || i >= skip + 4) sum += (uint64_t)data[i] << 8 * (i & 1);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return sum + size;
}

static void test_adapted( int ours32, int wine32 )
{
    size_t our_size, wine_size, size;
    unsigned char *ours = make_ours( ours32, &our_size ), *wine = make_wines( wine32, &wine_size ), *data = NULL;
    struct resources resources = { 0 };
    const char *error;
    uint32_t rva, length;
    int of_wine;
    struct pe pe;

    error = adapt( ours, our_size, wine, wine_size, &data, &size, &of_wine );
    if (!ok( !error, "%s", error )) return;
    error = pe_open( &pe, data, size );
    ok( !error, "%s", error );
    ok( pe.section_count == 3 && size % 0x200 == 0, "%u sections, %zu bytes", pe.section_count, size );
    ok( !memcmp( data + HEADERS, ours + HEADERS, our_size - HEADERS ), "what was there is not the same" );
    pe_get_directory( &pe, PE_DIRECTORY_RESOURCE, &rva, &length );
    ok( rva % 0x1000 == 0 && rva > 0x2000 && pe_get_bytes( &pe, rva, length ), "the section is at %x, %x bytes", rva, length );
    ok( get32( data + 0x98 + 64 ) == sum_of( data, size, 0x98 + 64 ), "a wrong checksum" );
    ok( get32( data + 0x98 + 56 ) >= rva + length, "the image ends before its last section" );

    error = resources_read( &pe, &resources );
    ok( !error, "%s", error );
    ok( resources.count == 7, "got %u resources", resources.count );
    ok( has( &resources, number( RESOURCE_VERSION ), number( 1 ), 0x409, "version of Wine" ), "the version is not Wine's" );
    ok( has( &resources, number( 10 ), text( mark_name, sizeof(mark_name) ), 0x409, "This file is ours" ), "the mark is not there" );
    ok( has( &resources, number( 6 ), number( 7 ), 0x407, "eine Meldung" ), "a language is not there" );
    ok( has( &resources, number( 6 ), number( 7 ), 0x409, "a message" ), "a message is not there" );
    ok( has( &resources, text( mark_name, sizeof(mark_name) ), text( other_name, sizeof(other_name) ), 0, "a type with a name" ),
        "a type with a name is not there" );
    ok( has( &resources, number( 10 ), text( other_name, sizeof(other_name) ), 0x409, "no mark" ), "a name is not there" );
    ok( has( &resources, number( 10 ), number( 3 ), 0x409, "" ), "an empty one is not there" );
    resources_free( &resources );
    free( data );
    free( wine );
    free( ours );
}

/* texts first, then numbers, each in their order: who looks for one halves the list */
static void test_order( const unsigned char *section, uint32_t offset, unsigned int level )
{
    unsigned int texts = get16( section + offset + 12 ), count = texts + get16( section + offset + 14 ), i;
    uint32_t before = 0, id, next;

    for (i = 0; i < count; i++)
    {
        id = get32( section + offset + 16 + 8 * (size_t)i );
        next = get32( section + offset + 20 + 8 * (size_t)i );
        ok( !!(id & 0x80000000) == (i < texts), "level %u, entry %u: %x", level, i, id );
        if (i > texts) ok( id > before, "level %u, entry %u: %x after %x", level, i, id, before );
        before = id;
        if (level < 2) test_order( section, next & 0x7fffffff, level + 1 );
    }
}

static void test_many(void)
{
    static char contents[500][16];
    static unsigned char names[500][4];
    struct resources resources = { 0 }, read = { 0 };
    unsigned char *data;
    const char *error;
    unsigned int i;
    struct pe pe;
    size_t size;

    for (i = 0; i < 500; i++)
    {
        sprintf( contents[i], "%u", i );
        names[i][0] = 'a' + pick( 26 );
        names[i][2] = 'a' + pick( 26 );
        add( &resources, pick( 4 ) ? number( 1 + pick( 20 ) ) : text( names[i], 2 ), pick( 3 ) ? number( i ) : text( names[i], 4 ), 1000 + i,
             contents[i] );
    }
    data = make_dll( 0, &resources, HEADERS, &size );
    error = pe_open( &pe, data, size );
    ok( !error, "%s", error );
    error = resources_read( &pe, &read );
    ok( !error, "%s", error );
    ok( read.count == 500, "got %u", read.count );
    for (i = 0; i < resources.count; i++)
        ok( has( &read, resources.list[i].type, resources.list[i].name, resources.list[i].language, (const char *)resources.list[i].data ),
            "%u is not there", i );
    test_order( data + HEADERS + TEXT_SIZE, 0, 0 );
    resources_free( &read );
    resources_free( &resources );
    free( data );
}

/* A file of Wine without resources has no version, and then ours has none. */
static void test_nothing(void)
{
    size_t our_size, wine_size, size;
    unsigned char *ours = make_ours( 0, &our_size ), *wine = make_dll( 0, NULL, HEADERS, &wine_size ), *data = NULL;
    struct resources resources = { 0 };
    const char *error;
    int of_wine;
    struct pe pe;

    error = adapt( ours, our_size, wine, wine_size, &data, &size, &of_wine );
    ok( !error, "%s", error );
    pe_open( &pe, data, size );
    resources_read( &pe, &resources );
    ok( resources.count == 1 && has( &resources, number( 10 ), text( mark_name, sizeof(mark_name) ), 0x409, "This file is ours" ), "got %u",
        resources.count );
    resources_free( &resources );
    free( data );
    free( wine );
    free( ours );
}

static void check_refused( const char *what, unsigned char *ours, size_t our_size, unsigned char *wine, size_t wine_size, int expect_wine )
{
    unsigned char *data = NULL;
    int of_wine = -1;
    size_t size;
    const char *error = adapt( ours, our_size, wine, wine_size, &data, &size, &of_wine );

    ok( error && of_wine == expect_wine && !data, "%s: got %s, of %d", what, error, of_wine );
    free( data );
}

static void test_refused(void)
{
    size_t our_size, wine_size, full_size;
    unsigned char *ours = make_ours( 0, &our_size ), *wine = make_wines( 0, &wine_size ), *full;
    static unsigned char text_file[] = "This is a file of text, and not of a program. It is longer than the header of one would have to be.";

    check_refused( "text for ours", text_file, sizeof(text_file), wine, wine_size, 0 );
    check_refused( "text for Wine's", ours, our_size, text_file, sizeof(text_file), 1 );
    check_refused( "nothing for ours", text_file, 0, wine, wine_size, 0 );
    /* one section, and its header ends where its contents begin */
    full = make_dll( 0, NULL, 0x98 + 112 + 16 * 8 + 40, &full_size );
    check_refused( "no room", full, full_size, wine, wine_size, 0 );
    free( full );
    free( wine );
    free( ours );
}

/* Whatever the files are: nothing outside of them is read, and what is made can be read again. */
static void test_damaged(void)
{
    size_t our_size, wine_size, size;
    unsigned char *ours = make_ours( 0, &our_size ), *wine = make_wines( 1, &wine_size ), *our_copy, *wine_copy, *data;
    unsigned int round, i, done = 0;
    struct resources resources;
    const char *error;
    int of_wine;
    struct pe pe;

    for (round = 0; round < 40000; round++)
    {
        /* of the size that is claimed, so that reading past the end is seen */
        size_t our_part = pick( 4 ) ? our_size : pick( our_size + 1 ), wine_part = pick( 4 ) ? wine_size : pick( wine_size + 1 );

        our_copy = malloc( our_part ? our_part : 1 );
        wine_copy = malloc( wine_part ? wine_part : 1 );
        memcpy( our_copy, ours, our_part );
        memcpy( wine_copy, wine, wine_part );
        for (i = pick( 4 ); i > 0; i--)
        {
            /* headers and resources are what counts */
            if (our_part) our_copy[pick( 2 ) ? pick( our_part < HEADERS ? our_part : HEADERS ) : pick( our_part )] = pick( 256 );
            if (wine_part) wine_copy[pick( 3 ) ? wine_part - 1 - pick( wine_part < 600 ? wine_part : 600 ) : pick( wine_part )] = pick( 256 );
        }
        data = NULL;
        if (!(error = adapt( our_copy, our_part, wine_copy, wine_part, &data, &size, &of_wine )))
        {
            memset( &resources, 0, sizeof(resources) );
            error = pe_open( &pe, data, size );
            if (!error) error = resources_read( &pe, &resources );
            ok( !error, "round %u: %s", round, error );
            resources_free( &resources );
            done++;
        }
        else ok( !data, "round %u: %s, and a file", round, error );
        free( data );
        free( our_copy );
        free( wine_copy );
    }
    ok( done > 1000 && done < 39000, "%u were made", done );
    free( wine );
    free( ours );
}

int main(void)
{
    int i;

    for (i = 0; i < 4; i++) test_adapted( i & 1, i >> 1 );
    test_many();
    test_nothing();
    test_refused();
    test_damaged();
    return test_summary( "adapt" );
}
