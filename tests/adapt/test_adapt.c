/*
 * DLLs that get the exports and the resources of Wine's
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
#include "make_dll.h"
#include "test.h"

#define ARRAY_SIZE( array ) (sizeof(array) / sizeof((array)[0]))

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

/* Wine's functions, and ours when it was built: it knew not all of them */
static const struct dll_export wine_exports[] =
{
    { "accept", NULL }, { "bind", NULL }, { NULL, NULL }, { "Sleep", "KERNEL32.Sleep" }, { "WSATomorrow", NULL }, { "connect", "ntdll.connect" },
};
static const struct dll_export our_exports[] = { { "bind", NULL }, { "WSAReserve", NULL }, { "accept", NULL }, { "connect", NULL } };

#define WINE_EXPORTS .exports = wine_exports, .export_count = ARRAY_SIZE( wine_exports )
#define OUR_EXPORTS  .exports = our_exports, .export_count = ARRAY_SIZE( our_exports ), .own = "bind\0WSAReserve\0connect\0", .spares = 4

static unsigned char *make_ours( int pe32, size_t *size )
{
    struct dll dll = { .pe32 = pe32, OUR_EXPORTS };
    struct resources resources = { 0 };
    unsigned char *ret;

    add( &resources, number( 10 ), text( mark_name, sizeof(mark_name) ), 0x409, "This file is ours" );
    add( &resources, number( RESOURCE_VERSION ), number( 1 ), 0x409, "our version" );
    dll.resources = &resources;
    ret = make_dll( &dll, DLL_HEADERS, size );
    resources_free( &resources );
    return ret;
}

static unsigned char *make_wines( int pe32, size_t *size )
{
    struct dll dll = { .pe32 = pe32, WINE_EXPORTS };
    struct resources resources = { 0 };
    unsigned char *ret;

    add( &resources, number( RESOURCE_VERSION ), number( 1 ), 0x409, "version of Wine" );
    add( &resources, number( 6 ), number( 7 ), 0x407, "eine Meldung" );
    add( &resources, number( 6 ), number( 7 ), 0x409, "a message" );
    add( &resources, text( mark_name, sizeof(mark_name) ), text( other_name, sizeof(other_name) ), 0, "a type with a name" );
    add( &resources, number( 10 ), text( other_name, sizeof(other_name) ), 0x409, "no mark" );
    add( &resources, number( 10 ), number( 3 ), 0x409, "" );
    dll.resources = &resources;
    ret = make_dll( &dll, DLL_HEADERS, size );
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

/* ours, made to fit Wine's */
struct adapted
{
    unsigned char *ours, *wine, *data;
    size_t         our_size, wine_size, size;
    struct pe      pe;  /* of data */
};

static void free_adapted( const struct adapted *dll )
{
    free( dll->data );
    free( dll->wine );
    free( dll->ours );
}

/* Returns 0, and has freed it, when it can't be made. */
static int make_adapted( struct adapted *dll, int ours32, int wine32 )
{
    const char *error;
    int of_wine;

    memset( dll, 0, sizeof(*dll) );
    dll->ours = make_ours( ours32, &dll->our_size );
    dll->wine = make_wines( wine32, &dll->wine_size );
    error = adapt( dll->ours, dll->our_size, dll->wine, dll->wine_size, &dll->data, &dll->size, &of_wine );
    if (!ok( !error, "%s", error ))
    {
        free_adapted( dll );
        return 0;
    }
    error = pe_open( &dll->pe, dll->data, dll->size );
    ok( !error, "%s", error );
    return 1;
}

static void test_adapted( int ours32, int wine32 )
{
    struct adapted dll;
    struct resources resources = { 0 };
    const char *error;
    uint32_t rva, length;

    if (!make_adapted( &dll, ours32, wine32 )) return;
    ok( dll.pe.section_count == 4 && dll.size % 0x200 == 0, "%u sections, %zu bytes", dll.pe.section_count, dll.size );
    ok( adapted_from( dll.ours, dll.our_size, dll.data, dll.size ), "it is not made from ours" );
    dll.ours[dll.our_size - 1]++;
    ok( !adapted_from( dll.ours, dll.our_size, dll.data, dll.size ), "it is made from another one" );
    pe_get_directory( &dll.pe, PE_DIRECTORY_RESOURCE, &rva, &length );
    ok( rva % 16 == 0 && rva > DLL_RESOURCES && pe_get_bytes( &dll.pe, rva, length ), "the section is at %x, %x bytes", rva, length );
    ok( get32( dll.data + 0x98 + 64 ) == sum_of( dll.data, dll.size, 0x98 + 64 ), "a wrong checksum" );
    ok( get32( dll.data + 0x98 + 56 ) >= rva + length, "the image ends before its last section" );

    error = resources_read( &dll.pe, &resources );
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
    free_adapted( &dll );
}

/* the function of a name: its number, and its address */
static void check_export( const struct exports *exports, const char *name, unsigned int number, uint32_t rva )
{
    unsigned int i;

    for (i = 0; i < exports->name_count && strcmp( exports->names[i].name, name ); i++);
    if (!ok( i < exports->name_count, "%s is not there", name )) return;
    ok( exports->base + exports->names[i].index == number, "%s: number %u", name, exports->base + exports->names[i].index );
    ok( !rva || exports->functions[exports->names[i].index] == rva, "%s: address %x", name, exports->functions[exports->names[i].index] );
}

static const char *text_at( const struct pe *pe, uint32_t rva )
{
    const char *text = pe_get_text( pe, rva );

    return text ? text : "(none)";
}

/* "the export table (names, ordinals, forwards) ... of the very DLL it stands before" */
static void test_exports( int ours32, int wine32 )
{
    const uint32_t spares = DLL_CODE + DLL_CODE_SIZE / 2;
    struct adapted dll;
    struct exports_table table;
    const unsigned char *list;
    struct exports exports;
    const char *error;

    if (!make_adapted( &dll, ours32, wine32 )) return;
    error = exports_read( &dll.pe, &exports );
    if (!ok( !error, "%s", error )) return;
    ok( exports.function_count == 7 && exports.name_count == 6 && exports.base == 1, "%u functions, %u names, from %u",
        exports.function_count, exports.name_count, exports.base );
    check_export( &exports, "accept", 1, DLL_CODE + 2 );
    check_export( &exports, "bind", 2, DLL_CODE );
    ok( exports.functions[2] == spares, "number 3: address %x", exports.functions[2] );
    check_export( &exports, "Sleep", 4, 0 );
    ok( !strcmp( text_at( &dll.pe, exports.functions[3] ), "KERNEL32.Sleep" ), "Sleep: %s", text_at( &dll.pe, exports.functions[3] ) );
    check_export( &exports, "WSATomorrow", 5, spares + 16 );
    check_export( &exports, "connect", 6, DLL_CODE + 3 );
    check_export( &exports, "WSAReserve", 7, DLL_CODE + 1 );
    exports_find_mark( &dll.pe, &table );
    ok( table.mark && get32( dll.data + table.mark + 48 ) == 2, "%u functions of spare thunks", get32( dll.data + table.mark + 48 ) );
    if (ok( !!(list = pe_get_bytes( &dll.pe, get32( dll.data + table.mark + 44 ), 16 )), "the list is not there" ))
    {
        ok( get32( list ) == (EXPORTS_BY_NUMBER | 3), "the first one: %x", get32( list ) );
        ok( !strcmp( text_at( &dll.pe, get32( list + 8 ) ), "WSATomorrow" ), "the second one: %s", text_at( &dll.pe, get32( list + 8 ) ) );
    }
    exports_free( &exports );
    free_adapted( &dll );
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
    data = make_dll( &(struct dll){ .resources = &resources }, DLL_HEADERS, &size );
    error = pe_open( &pe, data, size );
    ok( !error, "%s", error );
    error = resources_read( &pe, &read );
    ok( !error, "%s", error );
    ok( read.count == 500, "got %u", read.count );
    for (i = 0; i < resources.count; i++)
        ok( has( &read, resources.list[i].type, resources.list[i].name, resources.list[i].language, (const char *)resources.list[i].data ),
            "%u is not there", i );
    test_order( data + DLL_HEADERS + DLL_CODE_SIZE, 0, 0 );
    resources_free( &read );
    resources_free( &resources );
    free( data );
}

/* A file of Wine without resources has no version, and then ours has none. */
static void test_nothing(void)
{
    size_t our_size, wine_size, size;
    unsigned char *ours = make_ours( 0, &our_size ), *wine = make_dll( &(struct dll){ WINE_EXPORTS }, DLL_HEADERS, &wine_size ), *data = NULL;
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
    check_refused( "ours without its end", ours, our_size - 1, wine, wine_size, 0 );
    check_refused( "Wine's without its end", ours, our_size, wine, wine_size - 1, 1 );
    /* one section, and its header ends where its contents begin */
    full = make_dll( &(struct dll){ 0 }, dll_section( 0, 1 ), &full_size );
    check_refused( "no room", full, full_size, wine, wine_size, 0 );
    free( full );
    free( wine );
    free( ours );
}

/* A DLL with a section of one's own that a data directory leads to. The caller frees it. */
static unsigned char *make_with_section( unsigned int directory, const unsigned char *section, size_t section_size, size_t *size )
{
    size_t dll_size;
    unsigned char *dll = make_dll( &(struct dll){ WINE_EXPORTS }, DLL_HEADERS, &dll_size );
    struct pe pe;
    uint32_t rva;

    pe_open( &pe, dll, dll_size );
    rva = pe_next_address( &pe );
    ok( !pe_add_section( &pe, ".big", section, section_size ), "there is no room" );
    ok( !pe_set_directory( &pe, directory, rva, section_size ), "there is no directory" );
    free( dll );
    *size = pe.size;
    return pe.data;
}

#define NEXT_ADDRESS 0x3000  /* of such a section */

/* Many functions whose names, or forwards, are parts of one text of letters */
static unsigned char *make_long_names( unsigned int functions, unsigned int names, uint32_t length, size_t *size )
{
    uint32_t function_list = 40, name_list = function_list + 4 * functions, indexes = name_list + 4 * names, text = indexes + 2 * names, i;
    size_t section_size = text + (size_t)length + names + 1;
    unsigned char *section = calloc( 1, section_size ), *dll;

    put32( section + 12, NEXT_ADDRESS + section_size - 2 );
    put32( section + 16, 1 );
    put32( section + 20, functions );
    put32( section + 24, names );
    put32( section + 28, NEXT_ADDRESS + function_list );
    put32( section + 32, NEXT_ADDRESS + name_list );
    put32( section + 36, NEXT_ADDRESS + indexes );
    for (i = 0; i < functions; i++) put32( section + function_list + 4 * (size_t)i, names ? DLL_CODE : NEXT_ADDRESS + text );
    for (i = 0; i < names; i++) put32( section + name_list + 4 * (size_t)i, NEXT_ADDRESS + text + i );
    for (i = text; i < section_size - 1; i++) section[i] = 'a' + pick( 26 );
    dll = make_with_section( PE_DIRECTORY_EXPORT, section, section_size, size );
    free( section );
    return dll;
}

/* Many resources, all of the same data */
static unsigned char *make_large_resources( unsigned int count, uint32_t length, size_t *size )
{
    size_t entry = 64 + 8 * (size_t)count, section_size = entry + 16 + length;
    unsigned char *section = calloc( 1, section_size ), *dll;
    unsigned int i;

    put16( section + 14, 1 );            /* one type */
    put32( section + 16, 10 );
    put32( section + 20, 0x80000018 );
    put16( section + 24 + 14, 1 );       /* one name */
    put32( section + 24 + 16, 1 );
    put32( section + 24 + 20, 0x80000030 );
    put16( section + 48 + 14, count );   /* many languages */
    for (i = 0; i < count; i++)
    {
        put32( section + 64 + 8 * (size_t)i, i );
        put32( section + 68 + 8 * (size_t)i, entry );
    }
    put32( section + entry, NEXT_ADDRESS + entry + 16 );
    put32( section + entry + 4, length );
    dll = make_with_section( PE_DIRECTORY_RESOURCE, section, section_size, size );
    free( section );
    return dll;
}

/* Sums of what a file says that are more than 32 bits, or an address: small files that claim much */
static void test_sums(void)
{
    size_t our_size, wine_size, size;
    unsigned char *ours = make_ours( 0, &our_size ), *wine = make_wines( 0, &wine_size ), *dll;
    unsigned int i, mark;
    struct pe pe;

    dll = make_long_names( 1, 65536, 200000, &size );
    check_refused( "names of 10 GB", ours, our_size, dll, size, 1 );
    free( dll );
    dll = make_long_names( 65535, 0, 70000, &size );
    check_refused( "forwards of 4 GB", ours, our_size, dll, size, 1 );
    free( dll );
    dll = make_long_names( 65535, 0, 4000, &size );
    check_refused( "forwards of 260 MB", ours, our_size, dll, size, 1 );
    free( dll );
    dll = make_large_resources( 4096, 0x110000, &size );
    check_refused( "resources of 4 GB", ours, our_size, dll, size, 1 );
    free( dll );
    dll = make_large_resources( 4097, 1, &size );
    check_refused( "4097 resources", ours, our_size, dll, size, 1 );
    free( dll );

    for (i = 96; i < 65536; i = i == 96 ? 97 : i == 97 ? 65535 : 65536)
    {
        dll = make_dll( &(struct dll){ OUR_EXPORTS }, 0x300000, &size );
        put16( dll + 0x86, i );
        check_refused( "sections", dll, size, wine, wine_size, 0 );
        free( dll );
    }

    /* of the last section of ours: address; size in memory; size in the file */
    for (i = 0; i < 3; i++)
    {
        static const uint32_t values[3] = { 0xfffff000, 0xffffff00, 0xffffff00 };
        static const unsigned int places[3] = { 12, 8, 16 };

        dll = malloc( our_size );
        memcpy( dll, ours, our_size );
        put32( dll + dll_section( 0, 2 ) + places[i], values[i] );
        check_refused( "a section past the end of memory", dll, our_size, wine, wine_size, 0 );
        free( dll );
    }
    dll = malloc( our_size );
    memcpy( dll, ours, our_size );
    put32( dll + DLL_OPTIONAL + 56, 0x40000000 );
    check_refused( "an image of a gigabyte", dll, our_size, wine, wine_size, 0 );
    put32( dll + DLL_OPTIONAL + 56, 0x1000 );
    pe_open( &pe, dll, our_size );
    ok( pe_next_address( &pe ) == 0x4000, "an image that ends before its sections: %x is next", pe_next_address( &pe ) );
    free( dll );

    for (mark = 0; memcmp( ours + mark, EXPORTS_MARK, sizeof(EXPORTS_MARK) ); mark++);
    put32( ours + mark + EXPORTS_MARK_SIZE, 0xfffffff0 );
    check_refused( "spare thunks past the end of memory", ours, our_size, wine, wine_size, 0 );
    put32( ours + mark + EXPORTS_MARK_SIZE, DLL_CODE + DLL_CODE_SIZE - 16 );
    check_refused( "spare thunks past the end of the code", ours, our_size, wine, wine_size, 0 );
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
            if (our_part) our_copy[pick( 2 ) ? pick( our_part < DLL_HEADERS ? our_part : DLL_HEADERS ) : pick( our_part )] = pick( 256 );
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
    for (i = 0; i < 4; i++) test_exports( i & 1, i >> 1 );
    test_many();
    test_nothing();
    test_refused();
    test_sums();
    test_damaged();
    return test_summary( "adapt" );
}
