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
extern overlay_function overlay_table[];               /* Wine's functions; calls overlay_missing() where there is none */

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
#define OVERLAY_TABLE \
    "\t.data\n" OVERLAY_ALIGN \
    "\t.globl " OVERLAY_SYMBOL( overlay_table ) "\n" \
    OVERLAY_SYMBOL( overlay_table ) ":\n"
#define OVERLAY_ENTRY( name ) OVERLAY_POINTER OVERLAY_SYMBOL( stub_##name ) "\n"
#define OVERLAY_END "\t.text\n" );

#endif /* PORTRES_OVERLAY_H */
