#include "common.cuh"

#define AT(i) array##i[replica * far##i + row * down##i + column * on##i]

// A formula of up to twenty arrays, whose elements are so far apart from replica to replica, down the rows and on along
// the columns: 0 along an axis that is 1 long. It writes the first of them; what it only reads is taken before.
extern "C" __global__ void formula(
    T* array0, i64 far0, i64 down0, i64 on0, T* array1, i64 far1, i64 down1, i64 on1,
    T* array2, i64 far2, i64 down2, i64 on2, T* array3, i64 far3, i64 down3, i64 on3,
    T* array4, i64 far4, i64 down4, i64 on4, T* array5, i64 far5, i64 down5, i64 on5,
    T* array6, i64 far6, i64 down6, i64 on6, T* array7, i64 far7, i64 down7, i64 on7,
    T* array8, i64 far8, i64 down8, i64 on8, T* array9, i64 far9, i64 down9, i64 on9,
    T* array10, i64 far10, i64 down10, i64 on10, T* array11, i64 far11, i64 down11, i64 on11,
    T* array12, i64 far12, i64 down12, i64 on12, T* array13, i64 far13, i64 down13, i64 on13,
    T* array14, i64 far14, i64 down14, i64 on14, T* array15, i64 far15, i64 down15, i64 on15,
    T* array16, i64 far16, i64 down16, i64 on16, T* array17, i64 far17, i64 down17, i64 on17,
    T* array18, i64 far18, i64 down18, i64 on18, T* array19, i64 far19, i64 down19, i64 on19,
    double p0, double p1, double p2, double p3, double p4, double p5, double p6, double p7, i64 rows, i64 columns, i64 replicas) {
    FOR_REPLICAS(replica) FOR_ROWS(row) FOR_COLUMNS(column) {
        ARGUMENTS
        FORMULA
    }
}
