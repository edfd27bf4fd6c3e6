// What a draw call knows of its item: a row of surfaces.py's ROW.
layout(std140) uniform Item {
    mat4 clip_T_item;
    mat4 corners_T_item;  // the same for the picture of the pixels' corners
    mat3 cam_R_item;
    vec3 low;             // of the item's bounding box
    float bump_m;         // height of the brightest texel over the darkest
    vec3 inverse_extent;
    float roughness;
    float contrast;       // of the roughness
    float tiles_per_m;    // of triplanar projection
    float flip;           // 1: an open surface shows its back, too
    uint item;            // row of the materials' table
    uint ids;             // instance, part << 16
};
