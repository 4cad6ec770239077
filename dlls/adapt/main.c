/*
 * overlay-adapt: make a DLL that stands before one of Wine's look like that one
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Run by 'wine-portres install' for each DLL that it puts before one of Wine's. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapt.h"

#define MAX_FILE 0x4000000

static int fail( const char *path, const char *what )
{
    fprintf( stderr, "overlay-adapt: %s: %s\n", path, what );
    return 1;
}

static unsigned char *read_file( const char *path, size_t *size )
{
    unsigned char *data = malloc( MAX_FILE );
    FILE *file = fopen( path, "rb" );

    if (data && file && (*size = fread( data, 1, MAX_FILE, file )) < MAX_FILE && !ferror( file ))
    {
        fclose( file );
        return data;
    }
    if (data && file && !ferror( file )) errno = EFBIG;
    if (file) fclose( file );
    free( data );
    return NULL;
}

/* Was one made from the other, whatever DLL of Wine's it was adapted to? */
static int is_same( const char *our_path, const char *path )
{
    size_t our_size, size;
    unsigned char *ours = read_file( our_path, &our_size ), *data = read_file( path, &size );
    int ret = ours && data && adapted_from( ours, our_size, data, size );

    free( ours );
    free( data );
    return ret;
}

int main( int argc, char *argv[] )
{
    unsigned char *ours, *wine = NULL, *data = NULL;
    size_t our_size, wine_size, size;
    const char *error;
    int ret, of_wine;

    if (argc == 4 && !strcmp( argv[1], "--same" )) return !is_same( argv[2], argv[3] );
    if (argc != 3 || argv[1][0] == '-')
    {
        fprintf( stderr, "Usage: overlay-adapt OURS WINES\n"
                 "       overlay-adapt --same OURS ADAPTED\n"
                 "Write our DLL to the standard output, with the exports and the resources (the version) of Wine's DLL.\n"
                 "With --same: was ADAPTED made from OURS, for whatever Wine? Exit code 0 when it was.\n" );
        return 2;
    }
    if (!(ours = read_file( argv[1], &our_size ))) ret = fail( argv[1], strerror( errno ) );
    else if (!(wine = read_file( argv[2], &wine_size ))) ret = fail( argv[2], strerror( errno ) );
    else if ((error = adapt( ours, our_size, wine, wine_size, &data, &size, &of_wine ))) ret = fail( argv[1 + of_wine], error );
    else if (fwrite( data, 1, size, stdout ) != size || fflush( stdout )) ret = fail( "standard output", strerror( errno ) );
    else ret = 0;
    free( data );
    free( wine );
    free( ours );
    return ret;
}
