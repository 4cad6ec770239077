/*
 * portres: the part of wine-portres that runs inside a prefix
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_PORTRES_H
#define PORTRES_PORTRES_H

#include <stdio.h>

#include "portclient.h"
#include <windows.h>

/* exit codes */
#define EXIT_OK        0
#define EXIT_FAILED    1
#define EXIT_USAGE     2
#define EXIT_MANAGERS  3  /* two service managers run; nothing was done */

/* Print one line on stderr: what is wrong and what to do. Returns EXIT_FAILED. */
extern int fail( const char *format, ... ) __attribute__((format( __MINGW_PRINTF_FORMAT, 1, 2 )));

/* The text of a Windows error code, in a static buffer. */
extern const char *error_text( DWORD error );

/* How many processes run that program. */
extern int count_processes( const WCHAR *name );

/* The file name of a running process as UTF-8, "?" when it is gone. */
extern void get_process_name( DWORD pid, char *name, unsigned int size );

/* Print the programs that run now and have a ws2_32 that is Wine's own (native 0) or ours (native 1),
 * Wine's own services left out, under a heading if there are any. */
extern void list_running_programs( int native, const char *heading );

/* DllOverrides of the current user. Both may be run again after having been interrupted anywhere. */
extern LONG add_overrides( char **names, int count );
extern LONG restore_overrides(void);

/* The service. All may be run again after having been interrupted anywhere. install_service() also starts it;
 * restart replaces a server that runs already, whose runtime reservations end then. */
extern DWORD install_service( int restart );
extern DWORD start_service(void);
extern DWORD remove_service(void);

/* The commands, each returns an exit code. */
extern int show_status(void);
extern int list_reservations( int json );

#endif /* PORTRES_PORTRES_H */
