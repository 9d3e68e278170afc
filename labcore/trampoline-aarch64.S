// The last exec of a container's init, for arm64. labcore/trampoline.py says why and holds the assembled bytes.
//
// On entry the stack reads, from sp upwards: argc, argv[0], argv[1], ..., 0, envp[0], ..., 0.
// It takes the system call number in x8 and arguments in x0, x1, x2; svc keeps every register but x0.

        .section .note.GNU-stack, "", %progbits
        .text
        .globl  _start
_start: ldr     x19, [sp]               // argc
        cmp     x19, 3                  // mark, path, program's argv[0]: fewer is no call of ours
        b.lo    refuse
        ldr     x20, [sp, 8]            // argv[0]
        ldrb    w9, [x20]
        cmp     w9, 1                   // the mark; '/' when a script names us as its interpreter
        b.ne    refuse
        ldrb    w20, [x20, 1]           // the error channel
        cmp     w20, 3                  // never standard input, output or error
        b.lo    refuse

        mov     w0, w20                 // fcntl(channel, F_SETFD, FD_CLOEXEC)
        mov     x1, 2
        mov     x2, 1
        mov     x8, 25
        svc     0
        tbnz    w0, 31, failed

        ldr     x0, [sp, 16]            // execve(argv[1], argv + 2, envp)
        add     x1, sp, 24
        add     x2, sp, x19, lsl 3
        add     x2, x2, 16
        mov     x8, 221
        svc     0

failed: neg     w19, w0                 // w0 was -errno
        orr     w9, w19, 0x80000000
        str     w9, [sp]                // argc is no longer needed: its place holds the report
        mov     w0, w20                 // write(channel, report, 4)
        mov     x1, sp
        mov     x2, 4
        mov     x8, 64
        svc     0
        mov     w0, 127                 // not found
        cmp     w19, 2                  // ENOENT
        b.eq    leave
refuse: mov     w0, 126                 // cannot be executed
leave:  mov     x8, 94                  // exit_group(status)
        svc     0
        udf     0                       // only if a filter refuses even that
