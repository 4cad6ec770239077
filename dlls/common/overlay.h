/*
 * DLLs that stand before one of Wine's
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_OVERLAY_H
#define PORTRES_OVERLAY_H

typedef void (*overlay_function)(void);

struct overlay_export
{
    const char *name;
    int         ours;   /* the export is a function of ours */
};

/* made by tools/make_spec from the DLL's .spec; an export has the same index in both tables */
extern const char overlay_dll[];                       /* "ws2_32.dll" */
extern const unsigned int overlay_count;
extern const struct overlay_export overlay_exports[];
extern overlay_function overlay_table[];               /* Wine's functions, and those of the spare thunks; calls overlay_missing() where there is none */

/* What a call to a function that this Wine lacks ends in: prints which one, and raises EXCEPTION_WINE_STUB. */
extern void overlay_missing( unsigned int index ) __attribute__((noreturn, used));

/* Of each DLL: it is being unloaded, and the process goes on, so what it has made must go. */
extern void overlay_unload(void);

/* Does this Wine have the function? Takes an index_* of wine_DLL.h. */
extern int overlay_has( unsigned int index );

/* Print a message for the user of the program, with the name of the DLL before it. */
extern void overlay_message( const char *format, ... ) __attribute__((format( printf, 1, 2 )));

/* The thunks. A jump leaves registers and stack as they are, so calling conventions and arguments don't matter. A stub
 * passes the index of the function to overlay_missing(), by the C calling convention. */

#ifdef __x86_64__
# define OVERLAY_JUMP( index )  "\tjmp *overlay_table+8*" #index "(%rip)\n"
# define OVERLAY_STUB( index )  "\tmovl $" #index ",%ecx\n\tjmp overlay_missing\n"
# define OVERLAY_SYMBOL( name ) #name
# define OVERLAY_POINTER        "\t.quad "
# define OVERLAY_ALIGN          "\t.balign 8\n"
#elif defined(__i386__)
# define OVERLAY_JUMP( index )  "\tjmp *_overlay_table+4*" #index "\n"
# define OVERLAY_STUB( index )  "\tpushl $" #index "\n\tcall _overlay_missing\n"
# define OVERLAY_SYMBOL( name ) "_" #name
# define OVERLAY_POINTER        "\t.long "
# define OVERLAY_ALIGN          "\t.balign 4\n"
#else
# error "no thunks for this processor"
#endif

/* Functions of Wine that were not known here. 'wine-portres install' gives the DLL the names and numbers that Wine's has (dlls/adapt), and
 * those that are in no .spec a spare thunk each. It finds the mark, and what belongs to it, in the file: see dlls/adapt/exports.h. A spare
 * thunk has 16 bytes, and so has its stub. */
#define OVERLAY_SPARE_COUNT 512
#define OVERLAY_STRING( x ) #x
#define OVERLAY_NUMBER( x ) OVERLAY_STRING( x )

struct overlay_spare
{
    unsigned int name;      /* its address in the image, or OVERLAY_BY_NUMBER and the number */
    unsigned int function;  /* that of its entry in the table of exports */
};

#define OVERLAY_BY_NUMBER 0x80000000u

struct overlay_mark
{
    char         mark[32];
    unsigned int spares, own, spare_count;
    unsigned int list, count;   /* of struct overlay_spare; install fills it in */
};

extern const struct overlay_mark overlay_mark;

#define OVERLAY_BEGIN __asm__( "\t.text\n"
#define OVERLAY_FORWARDED( index, name ) \
    "\t.globl " OVERLAY_SYMBOL( thunk_##name ) "\n" \
    "\t.balign 16\n" \
    OVERLAY_SYMBOL( thunk_##name ) ":\n" \
    OVERLAY_JUMP( index ) \
    OVERLAY_REPLACED( index, name )
#define OVERLAY_REPLACED( index, name ) \
    OVERLAY_SYMBOL( stub_##name ) ":\n" \
    OVERLAY_STUB( index )
#define OVERLAY_SPARES( first ) \
    "\t.set spare_first, " #first "\n" \
    "\t.set spare, spare_first\n" \
    "\t.balign 16\n" \
    "spare_thunks:\n" \
    "\t.rept " OVERLAY_NUMBER( OVERLAY_SPARE_COUNT ) "\n" \
    "\t.balign 16\n" \
    OVERLAY_JUMP( spare ) \
    "\t.set spare, spare + 1\n" \
    "\t.endr\n" \
    "\t.set spare, spare_first\n" \
    "\t.balign 16\n" \
    "spare_stubs:\n" \
    "\t.rept " OVERLAY_NUMBER( OVERLAY_SPARE_COUNT ) "\n" \
    "\t.balign 16\n" \
    OVERLAY_STUB( spare ) \
    "\t.set spare, spare + 1\n" \
    "\t.endr\n"
#define OVERLAY_TABLE \
    "\t.data\n" OVERLAY_ALIGN \
    "\t.globl " OVERLAY_SYMBOL( overlay_table ) "\n" \
    OVERLAY_SYMBOL( overlay_table ) ":\n"
#define OVERLAY_ENTRY( name ) OVERLAY_POINTER OVERLAY_SYMBOL( stub_##name ) "\n"
#define OVERLAY_SPARE_ENTRIES \
    "\t.set spare, 0\n" \
    "\t.rept " OVERLAY_NUMBER( OVERLAY_SPARE_COUNT ) "\n" \
    OVERLAY_POINTER "spare_stubs + 16 * spare\n" \
    "\t.set spare, spare + 1\n" \
    "\t.endr\n"
#define OVERLAY_MARK \
    "\t.section .rdata,\"dr\"\n" \
    "\t.balign 16\n" \
    "\t.globl " OVERLAY_SYMBOL( overlay_mark ) "\n" \
    OVERLAY_SYMBOL( overlay_mark ) ":\n" \
    "\t.ascii \"wine-portres: the exports\"\n" \
    "\t.balign 16\n" \
    "\t.rva spare_thunks\n" \
    "\t.rva own_names\n" \
    "\t.long " OVERLAY_NUMBER( OVERLAY_SPARE_COUNT ) "\n" \
    "\t.long 0\n" \
    "\t.long 0\n" \
    "own_names:\n"
#define OVERLAY_OWN( name ) "\t.asciz \"" #name "\"\n"
#define OVERLAY_END "\t.byte 0\n\t.text\n" );

#endif /* PORTRES_OVERLAY_H */
